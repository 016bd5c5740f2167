"""The settings of `parley serve`."""

import pytest

from parley_app import create_app
from parley_app.settings import AppSettings
from parley_core import StartupError


def the_proxies() -> tuple[str, ...] | None:
    proxies: tuple[str, ...] | None = create_app().state.parley.settings(AppSettings).trusted_proxies
    return proxies


def test_default() -> None:
    """Unset, uvicorn decides."""
    assert the_proxies() is None


def test_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses and networks of both families are separated by commas."""
    monkeypatch.setenv("PARLEY_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7,2001:db8::/32 , ::1")
    assert the_proxies() == ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1")


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1", "1.2.3.4:80"])
def test_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Anything else stops the start: uvicorn would ignore it, and each caller would have the proxy's address."""
    monkeypatch.setenv("PARLEY_TRUSTED_PROXIES", f"::1,{value}")
    with pytest.raises(StartupError, match=r"PARLEY_TRUSTED_PROXIES: .* such as 10.0.0.0/8, separated by commas"):
        create_app()
