"""Messages, and the stretch of a log that a reader asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
