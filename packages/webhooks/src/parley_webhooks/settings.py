"""The settings of webhooks."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from parley_core import Settings
from parley_core.kernel.settings import Words

Network = IPv4Network | IPv6Network
_SHORTEST_KEY = 32


def _strong(key: SecretStr | None) -> SecretStr | None:
    if key is not None and len(key.get_secret_value().encode()) < _SHORTEST_KEY:
        raise ValueError("must be at least 32 random bytes: `openssl rand -base64 48` makes one")
    return key


def _networks(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        ip_network(word)
    return words


class WebhooksSettings(Settings):
    """How webhooks are delivered."""

    webhooks_key: Annotated[SecretStr | None, AfterValidator(_strong)] = Field(
        None,
        description="Seals the webhooks' secrets: at least 32 random bytes. Only an embedded database makes its own.",
    )
    webhooks_allow_networks: Annotated[Words, AfterValidator(_networks)] = Field(
        (), description="Networks such as 10.0.0.0/8 that receivers may be in although they are not public."
    )
    webhooks_ca_file: Path | None = Field(
        None, description="Certificates in PEM that receivers are verified with, beside the usual ones."
    )

    def allowed_networks(self) -> tuple[Network, ...]:
        """Return the networks of receivers inside."""
        return tuple(ip_network(word) for word in self.webhooks_allow_networks)
