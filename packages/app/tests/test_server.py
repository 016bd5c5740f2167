"""The address of a caller behind a proxy, with a real server."""

import json
from pathlib import Path

import httpx
import pytest

from parley_app import create_app
from parley_app.server import _trusted_proxies
from parley_app.settings import AppSettings
from parley_app.testing import Serving, Start, eventually

CALLER, OTHER = "198.51.100.7", "203.0.113.9"


def network_seen(serving: Serving, peer: str, **headers: str) -> str:
    """Return the network that the server takes a failed login for, whose connection comes from `peer`."""
    body = {"email": "nobody@example.com", "password": "nine green bottles"}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer), timeout=10) as client:
        answer = client.post(f"{serving.url}/v1/auth/login", json=body, headers=headers)
    request_id = answer.headers["X-Request-ID"]
    eventually(lambda: f'"request_id": "{request_id}"' in serving.logged)
    events = [json.loads(line) for line in serving.logged.splitlines() if line.startswith("{")]
    return next(str(event["network"]) for event in events if event["request_id"] == request_id)


def test_forwarded_addresses(start: Start, tmp_path: Path) -> None:
    """A forwarded address counts from a trusted peer, whatever its callers add before it, and from no other peer."""
    serving = start("--data-dir", tmp_path / "data", PARLEY_TRUSTED_PROXIES="127.0.0.2/31")
    for peer, forwarded, seen in [
        ("127.0.0.2", CALLER, CALLER),
        ("127.0.0.3", f"{OTHER}, {CALLER}", CALLER),
        ("127.0.0.2", f"{OTHER}, {CALLER}, 127.0.0.3", CALLER),
        ("127.0.0.1", CALLER, "127.0.0.1"),
        ("127.0.0.4", CALLER, "127.0.0.4"),
    ]:
        assert network_seen(serving, peer, **{"X-Forwarded-For": forwarded}) == seen
    assert network_seen(serving, "127.0.0.2") == "127.0.0.2"


@pytest.mark.parametrize(("proxies", "given"), [(None, None), ((), []), (("10.0.0.0/8", "::1"), ["10.0.0.0/8", "::1"])])
def test_given_to_uvicorn(proxies: tuple[str, ...] | None, given: list[str] | None) -> None:
    """Without the setting uvicorn reads its own variable; an empty list trusts nobody."""
    parley = create_app([AppSettings(trusted_proxies=proxies)]).state.parley
    assert _trusted_proxies(parley) == given
