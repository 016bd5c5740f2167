"""The settings of webhooks."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.transport.vault import new_key


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are words with commas between them."""
    monkeypatch.setenv("PARLEY_WEBHOOKS_ALLOW_NETWORKS", "10.0.0.0/8, fd00::/8")
    monkeypatch.setenv("PARLEY_WEBHOOKS_CA_FILE", "/etc/ca.pem")
    monkeypatch.setenv("PARLEY_WEBHOOKS_KEY", f"{new_key()},{new_key()}")
    settings = WebhooksSettings()
    assert settings.allowed_networks() == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.webhooks_ca_file == Path("/etc/ca.pem")


def test_nothing_is_allowed_by_default() -> None:
    """Without settings only public receivers are delivered to, and there is no key."""
    settings = WebhooksSettings()
    assert (settings.allowed_networks(), settings.webhooks_key) == ((), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEY", "short"),
        ("KEY", "a" * 44),
        ("ALLOW_NETWORKS", "10.0.0.1/8"),
        ("ALLOW_NETWORKS", "intranet"),
    ],
)
def test_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A weak key and what is no network stop the start; the value isn't repeated."""
    monkeypatch.setenv(f"PARLEY_WEBHOOKS_{name}", value)
    with pytest.raises(ValidationError) as refused:
        WebhooksSettings()
    if name == "KEY":
        assert value not in str(refused.value)
