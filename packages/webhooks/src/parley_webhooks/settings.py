"""The settings of webhooks."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from parley_core import Settings
from parley_core.kernel.settings import Words
from parley_webhooks.transport.vault import parse_keys

Network = IPv4Network | IPv6Network


def _usable(keys: SecretStr | None) -> SecretStr | None:
    if keys is not None:
        parse_keys(keys.get_secret_value())
    return keys


def _networks(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for word in words or ():
        ip_network(word)
    return words


class WebhooksSettings(Settings):
    """How webhooks are delivered."""

    webhooks_key: Annotated[SecretStr | None, AfterValidator(_usable)] = Field(
        None,
        description="Encrypts the webhooks' secrets: 32 random bytes in base64, or several keys with commas between "
        "them, of which the first encrypts. Only an embedded database generates its own.",
    )
    webhooks_allow_networks: Annotated[Words | None, AfterValidator(_networks)] = Field(
        None, description="Networks such as 10.0.0.0/8 that receivers may be in although they are not public."
    )
    webhooks_ca_file: Path | None = Field(
        None, description="Certificates in PEM that receivers are verified with, besides the usual ones."
    )

    def allowed_networks(self) -> tuple[Network, ...]:
        """Return the networks of receivers that are not public."""
        return tuple(ip_network(word) for word in self.webhooks_allow_networks or ())
