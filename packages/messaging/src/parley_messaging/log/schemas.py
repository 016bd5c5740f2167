"""What goes over the wire about messages."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from parley_core import PageQuery
from parley_core.http.patterns import VISIBLE, Shown, sort_orders
from parley_core.http.schemas import Body, Id, Representation, Visible
from parley_messaging.models import MAX_LENGTH

MAX_CLIENT_ID_LENGTH = 128
_CONTENT = "Shall we begin with the cache?"
_SHOWN = {
    "id": "665f1c2ab7e4f90d1c3a5b90",
    "seq": 1,
    "sender_id": "665f1c2ab7e4f90d1c3a5b77",
    "content": _CONTENT,
    "created_at": "2027-03-01T09:30:00Z",
}

Seq = Annotated[int, Field(ge=0, le=2**63 - 1)]


class MessageCreate(Body):
    """A new message."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"content": _CONTENT, "client_message_id": "6f2c9e1a-4f0e-4a52-9d5b-1c8e0b6f7a33"}]
        }
    )

    content: Annotated[str, Visible, Shown({"pattern": VISIBLE})] = Field(
        min_length=1,
        max_length=MAX_LENGTH,
        description="Any text of which something is visible; it is stored and returned exactly as it was sent.",
    )
    client_message_id: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CLIENT_ID_LENGTH,
        description="Your own id for this message, such as a UUID; sent again, it answers the message that was posted "
        "before instead of posting it twice.",
    )


def _add_example(schema: dict[str, Any]) -> None:
    # The field that isn't here is the log's, and goes by another name in each kind of log.
    schema["examples"] = [{name: _SHOWN.get(name, "665f1c2ab7e4f90d1c3a5b80") for name in schema["properties"]}]


class Message(Representation):
    """A message of any log."""

    model_config = ConfigDict(json_schema_extra=_add_example)

    id: str
    log_id: str
    seq: int = Field(
        description="The message's place in the log: 1, 2, 3, ... without gaps, in the order of the commits."
    )
    sender_id: str
    content: str
    created_at: datetime


class MessageQuery(PageQuery):
    """Bounds, sort order and page of a log."""

    sort: str = Field(
        "seq", json_schema_extra=sort_orders("seq"), description="`seq`, oldest first, or `-seq`, newest first."
    )
    after_seq: Seq | None = Field(None, description="Only messages with a greater `seq`.")
    before_seq: Seq | None = Field(None, description="Only messages with a smaller `seq`.")
    sender_id: Id | None = Field(None, description="Only messages from this user.")
