"""The secrets that sign deliveries: sealed where they are stored, open only while something is signed."""

from collections.abc import Sequence
from datetime import datetime

from parley_webhooks.errors import WebhooksNotConfigured
from parley_webhooks.models import SealedSecret, Webhook
from parley_webhooks.policy import ROTATION
from parley_webhooks.transport.signing import new_secret
from parley_webhooks.transport.vault import Vault


class Secrets:
    """Makes secrets, seals and opens them.

    Args:
        vault: what encrypts them; None where no key is configured.
    """

    def __init__(self, vault: Vault | None) -> None:
        self._vault = vault

    @property
    def are_usable(self) -> bool:
        """Whether a key is configured."""
        return self._vault is not None

    def check(self) -> Vault:
        """Return what encrypts secrets; raise `WebhooksNotConfigured` (400) where no key is configured."""
        if self._vault is None:
            raise WebhooksNotConfigured
        return self._vault

    def new(self, webhook_id: str) -> tuple[str, SealedSecret]:
        """Return a new secret, and how it is stored."""
        secret = new_secret()
        return secret, SealedSecret(self.check().sealed(secret, of=webhook_id))

    def opened(self, webhook: Webhook, now: datetime) -> Sequence[str]:
        """Return the secrets that sign now, the present one first."""
        signing = [secret for secret in webhook.secrets if secret.until is None or now < secret.until]
        return [self.check().opened(secret.sealed, of=webhook.id) for secret in signing]


def rotated(secrets: Sequence[SealedSecret], new: SealedSecret, now: datetime) -> tuple[SealedSecret, ...]:
    """Return the secrets after a rotation: the one before signs for a while, older ones don't."""
    return new, *(SealedSecret(secret.sealed, now + ROTATION) for secret in secrets[:1])
