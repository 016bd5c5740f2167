"""Messages, and the part of a log that a reader asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the time of a message whose stored document lacks it."""


@dataclass(frozen=True)
class Message:
    """One message; `seq` is its place in the interview's log, 1 for the first and without gaps."""

    id: str
    interview_id: str
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
        total: how many there are on all pages.
        pins: the query parameters that keep the following pages from shifting while others post.
    """

    messages: Sequence[Message]
    total: int
    pins: Mapping[str, int]
