"""How a message looks in a stream."""

from fastapi.sse import format_sse_event

from parley_messaging.log import schemas
from parley_messaging.models import Message


def event_of(message: Message) -> bytes:
    """Return a message as a server-sent event with its `seq` as id."""
    shown = schemas.Message.model_validate(message).model_dump_json()
    return format_sse_event(data_str=shown, id=str(message.seq))
