"""The address of a caller behind a proxy, with a real server."""

from pathlib import Path

import httpx
import pytest

from parley_app import create_app
from parley_app.proxies import Proxies
from parley_app.server import _trusted_proxies
from parley_app.settings import AppSettings
from parley_app.testing import Serving, Start, eventually, lines_about

CALLER, OTHER = "198.51.100.7", "203.0.113.9"


def network_seen(serving: Serving, peer: str, **headers: str) -> str:
    """Return the network that the server takes a failed login for, whose connection comes from `peer`."""
    body = {"email": "nobody@example.com", "password": "nine green bottles"}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer), timeout=10) as client:
        answer = client.post(f"{serving.url}/v1/auth/login", json=body, headers=headers)
    request_id = answer.headers["X-Request-ID"]

    def networks() -> list[str]:
        return [str(line["network"]) for line in lines_about(serving, request_id) if "network" in line]

    eventually(lambda: bool(networks()))
    return networks()[0]


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


def id_given(serving: Serving, peer: str, **headers: str) -> str:
    """Return the id that a request gets whose connection comes from `peer`."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer), timeout=10) as client:
        return client.get(f"{serving.url}/healthz", headers={**headers, "X-Request-ID": "trace-7"}).headers[
            "X-Request-ID"
        ]


def test_request_ids_of_proxies(start: Start, tmp_path: Path, serving: Serving) -> None:
    """An id is kept from a trusted peer alone, whatever the headers say about the caller; by default from all."""
    careful = start(
        "--data-dir", tmp_path / "data", PARLEY_TRUSTED_PROXIES="127.0.0.2/31", PARLEY_REQUEST_ID_FROM="proxies"
    )
    for peer, forwarded, is_kept in [
        ("127.0.0.2", CALLER, True),
        ("127.0.0.1", CALLER, False),
        ("127.0.0.1", "127.0.0.2", False),
    ]:
        given = id_given(careful, peer, **{"X-Forwarded-For": forwarded})
        assert (given == "trace-7") is is_kept
        assert given
    assert id_given(serving, "127.0.0.4") == "trace-7"


@pytest.mark.parametrize(
    ("words", "peer", "is_trusted"),
    [
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("2001:db8::1", "192.0.2.1"), "2001:db8:0::1", True),
        (("2001:db8::1", "192.0.2.1"), "192.0.2.2", False),
        (("*",), "192.0.2.2", True),
        ((), "127.0.0.1", False),
        (None, "127.0.0.1", True),
        (None, "127.0.0.2", False),
    ],
    ids=["inside", "outside", "address", "no address", "all", "none", "default", "not by default"],
)
def test_proxies(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...] | None, peer: str, *, is_trusted: bool
) -> None:
    """They are those that uvicorn takes forwarded headers from."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    assert (peer in Proxies(words)) is is_trusted
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.0/24, socket")
    assert "192.0.2.9" in Proxies(None)
    assert "127.0.0.1" not in Proxies(None)
