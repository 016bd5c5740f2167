"""The programs of docs/follow-every-change.md, run against `parley serve`."""

import base64
import hmac
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from parley_app.testing import Start

PAGE = Path(__file__).parents[2] / "docs" / "follow-every-change.md"
ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}
_LINES = 15


def programs() -> list[str]:
    """Return the page's programs in Python."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def loaded(function: str) -> Any:
    """Run the program that defines a function, and return the function."""
    [program] = [text for text in programs() if f"def {function}(" in text]
    module = ModuleType("program")
    exec(compile(program, str(PAGE), "exec"), module.__dict__)  # noqa: S102 - our own page
    return getattr(module, function)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a running server with an administrator's token."""
    start = Start(tmp_path)
    try:
        serving = start(
            "--data-dir",
            tmp_path / "data",
            PARLEY_ADMIN_EMAIL=ADMIN["email"],
            PARLEY_ADMIN_PASSWORD=ADMIN["password"],
        )
        with httpx.Client(base_url=serving.url, timeout=10) as client:
            token = client.post("/v1/auth/login", json=ADMIN).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client
    finally:
        start.end_all()


def create_users(api: httpx.Client, count: int) -> list[str]:
    """Create accounts, which makes an event of each."""
    bodies = [
        {"email": f"user{n}@example.com", "role": "candidate", "password": "ten blue bottles"} for n in range(count)
    ]
    return [api.post("/v1/users", json=body).json()["id"] for body in bodies]


def synced(api: httpx.Client, place: Path, count: int) -> list[dict[str, Any]]:
    """Call the page's program until this many events have come; an event is in the log soon after the answer."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 10
    while len(found) < count:
        assert time.monotonic() < deadline
        loaded("sync")(api, place, found.append)
    return found


def test_size() -> None:
    """The loop has 15 lines and a way to what it needs."""
    [program] = [text for text in programs() if "def sync(" in text]
    assert len(program[program.index("def sync(") :].splitlines()) <= _LINES


def test_programs(api: httpx.Client, tmp_path: Path) -> None:
    """`sync` handles each event once and remembers its place; `follow` goes on from there as things happen."""
    place = tmp_path / "place"
    first = synced(api, place, 1)
    created = create_users(api, 3)
    more = synced(api, place, 3)
    assert [event["subject_id"] for event in more] == created
    events = [*first, *more]
    assert [event["position"] for event in events] == [1, 2, 3, 4]
    assert {event["type"] for event in events} == {"user.created"}

    stream = loaded("follow")(api, 2)
    assert [next(stream)["position"] for _ in range(2)] == [3, 4]
    api.patch(f"/v1/users/{created[0]}", json={"role": "interviewer"})
    event = next(stream)
    assert (event["position"], event["type"]) == (5, "user.role_changed")
    assert event["changes"] == {"role": {"from": "candidate", "to": "interviewer"}}
    stream.close()


class TestVerified:
    """The page's check of a delivery, with a signature that is made as the standard has it."""

    SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    BODY = b'{"type":"interview.started","timestamp":"2027-03-01T09:31:00Z","data":{"position":17}}'

    def headers(self, body: bytes, *, age_seconds: int = 0, key: bytes = b"0123456789abcdef01234567") -> dict[str, str]:
        """Return the headers of a delivery (Standard Webhooks 1.0, "Signature scheme")."""
        at = str(int(time.time()) - age_seconds)
        digest = hmac.digest(key, b"interview:1:2." + at.encode() + b"." + body, "sha256")
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"Webhook-Id": "interview:1:2", "Webhook-Timestamp": at, "Webhook-Signature": signature}

    def test_genuine(self) -> None:
        """A delivery as Parley sends it is read; so is one with a second signature, while a secret is replaced."""
        headers = self.headers(self.BODY)
        assert loaded("verified")(self.SECRET, headers, self.BODY) == json.loads(self.BODY)
        both = self.headers(self.BODY, key=b"another")["Webhook-Signature"] + " " + headers["Webhook-Signature"]
        assert loaded("verified")(self.SECRET, headers | {"Webhook-Signature": both}, self.BODY)

    def test_forged(self) -> None:
        """One with another key, another body or an old time is refused."""
        for headers, body in (
            (self.headers(self.BODY, key=b"another"), self.BODY),
            (self.headers(self.BODY), self.BODY.replace(b"17", b"18")),
            (self.headers(self.BODY, age_seconds=600), self.BODY),
        ):
            with pytest.raises(WebhookVerificationError):
                loaded("verified")(self.SECRET, headers, body)
