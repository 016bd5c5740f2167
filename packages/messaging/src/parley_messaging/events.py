"""The events of messaging: who posted when, never what."""

from parley_core import Actor, Event, EventType
from parley_messaging.models import Draft, Message

MESSAGE_POSTED = EventType("message.posted", "A participant posted a message to a log; its text is not recorded.")

EVENTS = [MESSAGE_POSTED]

KIND = "message_log"
"""What the events happen to: a log, which has its resource's id, and whose `seq` is their revision."""


def posted(message: Message, draft: Draft) -> Event:
    """Return the event of a new message: ids only."""
    return Event(
        type=MESSAGE_POSTED,
        at=message.created_at,
        actor=Actor(message.sender_id, draft.sender_role, draft.request_id),
        changes={"message_id": (None, message.id)},
        audience=[message.sender_id],
    )
