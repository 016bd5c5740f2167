"""The messages that receivers get: an event of the log, or a test event."""

from dataclasses import dataclass, replace
from datetime import datetime

from parley_core import LogEntry, new_id
from parley_events import LogEvent
from parley_webhooks.deliveries.schemas import Payload
from parley_webhooks.events import PING
from parley_webhooks.models import Attempt, Outcome, Result, Webhook
from parley_webhooks.transport.sender import MAX_BODY_BYTES


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent.

    Args:
        id: the same at each attempt, so that receivers recognise what they have already.
        type: the event's type.
        position: its position in the log; None for a test event.
        body: JSON in UTF-8.
    """

    id: str
    type: str
    position: int | None
    body: bytes


def message_of(entry: LogEntry) -> Message:
    """Return an event as it is sent; one that is too large for a delivery goes without the values that changed."""
    body = _body_of(entry)
    if len(body) > MAX_BODY_BYTES:
        body = _body_of(replace(entry, changes={name: {} for name in entry.changes}))
    return Message(id=entry.id, type=entry.type, position=entry.position, body=body)


def ping_of(webhook: Webhook, at: datetime) -> Message:
    """Return a test event; it is in no log."""
    payload = Payload(type=PING, timestamp=at, data={"webhook_id": webhook.id})
    return Message(id=f"ping:{webhook.id}:{new_id()}", type=PING, position=None, body=_encoded(payload))


def attempt_of(message: Message, webhook: Webhook, *, at: datetime, result: Result, outcome: Outcome) -> Attempt:
    """Return what is kept of a message that was sent."""
    return Attempt(
        id=new_id(),
        webhook_id=webhook.id,
        position=message.position,
        event_id=message.id,
        type=message.type,
        at=at,
        outcome=outcome,
        status=result.status,
        reason=result.reason,
        milliseconds=result.milliseconds,
    )


def _body_of(entry: LogEntry) -> bytes:
    return _encoded(Payload(type=entry.type, timestamp=entry.at, data=LogEvent.model_validate(entry)))


def _encoded(payload: Payload) -> bytes:
    return payload.model_dump_json().encode()
