"""Messages, and the stretch of a log that a reader asks for."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime


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
    """What a sender wants to post, and the name that he gave it so that he can ask for it twice."""

    sender_id: str
    content: str
    client_message_id: str | None = None

    @property
    def key(self) -> Hashable:
        """Equal for drafts that mean one message; a draft without a name means one of its own."""
        return (self.sender_id, self.client_message_id) if self.client_message_id else self


@dataclass(frozen=True)
class Posted:
    """A stored message, and whether this request or an earlier one has stored it."""

    message: Message
    _: KW_ONLY
    is_new: bool


@dataclass(frozen=True)
class Window:
    """The places of a log behind `after`, up to and with `last`. A dense log has one message at each of them."""

    after: int
    last: int

    @property
    def size(self) -> int:
        """How many places there are."""
        return max(0, self.last - self.after)

    def page(self, direction: int, *, limit: int, offset: int) -> "Window":
        """The places that a page shows when the window is read upwards (1) or downwards (-1)."""
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
