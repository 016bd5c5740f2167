"""Logs, their messages, and the part of a log that a reader asks for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the time of a message whose stored document lacks it."""
MAX_LENGTH = 8000
"""Characters of a message at most."""
_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, kw_only=True)
class MessageLog:
    """A kind of resource whose participants write messages to each other, in one log for each resource.

    Args:
        scope: the participant scope of these resources, like `ticket`.
        prefix: the path of a resource's messages, like `/tickets/{ticket_id}/messages`; the last parameter is the
            scope's, and a message shows the resource's id under this name.
        states: the resource's states in which participants post; None for all. They read in every state.
        until: what ends posting, for the OpenAPI document, like `the ticket is closed`.
        name: what one message is called, another word in each log of an application: `ticket_message` makes the actions
            `ticket_messages:read` and `ticket_messages:post`, and operations such as `post_ticket_message`.

    Raises:
        ValueError: the prefix has no parameter, or its name is that of a message's own field.
    """

    scope: str
    prefix: str
    states: frozenset[str] | None = None
    until: str = ""
    name: str = "message"

    def __post_init__(self) -> None:
        if not _PARAMETER.search(self.prefix):
            raise ValueError(f"the prefix '{self.prefix}' needs the parameter of scope '{self.scope}'")
        if self.path_param in Message.__dataclass_fields__:
            raise ValueError(f"'{self.path_param}' is a message's own field: the scope's parameter needs another name")

    @property
    def path_param(self) -> str:
        """The path parameter of the scope."""
        return str(_PARAMETER.findall(self.prefix)[-1])

    @property
    def plural(self) -> str:
        """What the messages are called."""
        return f"{self.name}s"

    @property
    def reading(self) -> str:
        """The action of those who read and follow."""
        return f"{self.plural}:read"

    @property
    def posting(self) -> str:
        """The action of those who post."""
        return f"{self.plural}:post"


@dataclass(frozen=True)
class Message:
    """One message; `seq` is its place in the log, 1 for the first and without gaps."""

    id: str
    log_id: str
    seq: int
    sender_id: str
    content: str
    created_at: datetime


@dataclass(frozen=True, eq=False)
class Draft:
    """What a sender wants to post.

    Args:
        sender_id: who sends it.
        content: the text.
        client_message_id: the id that they gave it so that they can safely send it again.
        sender_role: their stored role.
        request_id: the request in which they send it.
    """

    sender_id: str
    content: str
    client_message_id: str | None = None
    _: KW_ONLY
    sender_role: str
    request_id: str


@dataclass(frozen=True)
class Posted:
    """A stored message, and whether this request or an earlier one stored it."""

    message: Message
    _: KW_ONLY
    is_new: bool


@dataclass(frozen=True)
class Window:
    """The places of a log after `after`, up to and including `last`; a dense log has one message at each."""

    after: int
    last: int

    @property
    def size(self) -> int:
        """The number of places."""
        return max(0, self.last - self.after)

    def page(self, direction: int, *, limit: int, offset: int) -> "Window":
        """Return the places of a page when the window is read upwards (1) or downwards (-1)."""
        if direction > 0:
            after = self.after + offset
            return Window(after, min(after + limit, self.last))
        last = self.last - offset
        return Window(max(last - limit, self.after), last)


@dataclass(frozen=True)
class Excerpt:
    """One page of a log.

    Args:
        messages: those on the page.
        total: how many there are on all pages; None when they were not counted.
        more: whether others follow.
        pins: the query parameters that keep the following pages from shifting while others post.
    """

    messages: Sequence[Message]
    total: int | None
    more: bool
    pins: Mapping[str, int]
