"""Sends a message to a webhook's receiver, signed, and says what came back."""

import logging
import time

from parley_core import Clock, utc_now
from parley_core.log_lines import LogLine
from parley_webhooks.deliveries.messages import Message
from parley_webhooks.models import Result, Webhook
from parley_webhooks.subscriptions.secrets import Secrets
from parley_webhooks.transport.failures import Unanswered
from parley_webhooks.transport.sender import Sender
from parley_webhooks.transport.signing import signed
from parley_webhooks.transport.vault import SecretUnreadable

_log = logging.getLogger("parley.webhooks")


class Messenger:
    """Sends messages.

    Args:
        sender: what connects to receivers.
        secrets: what opens the secrets that sign.
        clock: the time, for secrets that stop to sign.
    """

    def __init__(self, *, sender: Sender, secrets: Secrets, clock: Clock) -> None:
        self._sender = sender
        self._secrets = secrets
        self._clock = clock

    async def send(self, webhook: Webhook, message: Message) -> Result:
        """Send a message once and return what came back."""
        began = time.perf_counter()
        try:
            secrets = self._secrets.opened(webhook, self._clock())
            # The receiver compares it with a clock of its own, so that it is the time of the world.
            headers = signed(secrets, message_id=message.id, at=utc_now(), body=message.body)
            answer = await self._sender.send(webhook.url, headers=headers, body=message.body)
        except SecretUnreadable as error:
            text = "webhook {webhook_id}: {reason}"
            _log.error(LogLine("webhook_secret_unreadable", text, webhook_id=webhook.id, reason=str(error)))
            return Result(reason="secret")
        except Unanswered as error:
            return Result(reason=error.reason, milliseconds=round((time.perf_counter() - began) * 1000))
        return Result(status=answer.status, retry_after=answer.retry_after, milliseconds=answer.milliseconds)
