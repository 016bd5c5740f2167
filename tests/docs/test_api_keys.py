"""The programs of docs/api-keys.md, run against `parley serve`."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from parley_app.testing import Start
from parley_auth.keys.models import KeyText

PAGE = Path(__file__).parents[2] / "docs" / "api-keys.md"
ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}


def loaded(function: str) -> Any:
    """Run the program that defines a function, and return the function."""
    programs = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    [program] = [text for text in programs if f"def {function}(" in text]
    module = ModuleType("program")
    exec(compile(program, str(PAGE), "exec"), module.__dict__)  # noqa: S102 - our own page
    return getattr(module, function)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a running server with an administrator's token."""
    start = Start(tmp_path)
    admin = {"PARLEY_ADMIN_EMAIL": ADMIN["email"], "PARLEY_ADMIN_PASSWORD": ADMIN["password"]}
    try:
        serving = start("--data-dir", tmp_path / "data", **admin)
        with httpx.Client(base_url=serving.url, timeout=10) as client:
            token = client.post("/v1/auth/login", json=ADMIN).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client
    finally:
        start.end_all()


def test_programs(api: httpx.Client) -> None:
    """A key is created, a program lists interviews with it, and what is unused is revoked."""
    tomorrow, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 8))
    for at in (tomorrow, later):
        body = {"title": "Lead", "interview_type": "technical", "scheduled_at": at.isoformat()}
        assert api.post("/v1/interviews", json=body).status_code == 201
    key = loaded("create_key")(api, "Reminders", ["interviews:list"])
    [found] = loaded("upcoming")(str(api.base_url), key)
    assert datetime.fromisoformat(found["scheduled_at"]).date() == tomorrow.date()
    revoke_unused = loaded("revoke_unused")
    assert revoke_unused(api, "2026-01-01T00:00:00Z") == []
    loaded("upcoming")(str(api.base_url), key)
    assert revoke_unused(api, "2100-01-01T00:00:00Z") == ["Reminders"]
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        loaded("upcoming")(str(api.base_url), key)


def test_pattern() -> None:
    """The pattern for scanners finds keys."""
    [pattern] = re.findall(r"`(parley_\[.+)`", PAGE.read_text())
    assert re.fullmatch(pattern, KeyText.new("a" * 24, "b" * 24).text)
