"""Turns: the point reads of one request that are sent together, for which the request then waits once."""

import asyncio
from collections.abc import Callable, Hashable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.documents import Document
from parley_core.waiting import fulfil, within


class Turn:
    """A block in which reads are begun before it is known whether they are needed.

    A read that was begun in the block answers the first `read` of the same document there, and no other: whoever reads
    again reads anew. Nobody has to look at what was begun for nothing, failures included.

    Args:
        begins: begins what the request's route will read, given the caller's id, which is verified by then but not yet
            admitted; None when the route reads nothing of its own.
    """

    __slots__ = ("_before", "_waiting", "begins", "begun", "missing")

    def __init__(self, begins: Callable[[str], None] | None = None) -> None:
        self.begins = begins
        self.begun: dict[Hashable, PointRead] = {}
        """The reads that were begun and that nobody has asked for yet."""
        self.missing = 0
        """The number of reads without an answer."""
        self._waiting: list[asyncio.Future[None]] = []

    def __enter__(self) -> Self:
        self._before: Token[Turn | None] = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._before)

    async def answered(self) -> None:
        """Wait for every read that was begun so far.

        Raises:
            NetworkTimeout: the time that the request has for its database work is over.
        """
        if not self.missing:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await within(waiter, remaining())
        except TimeoutError:
            raise time_is_over() from None

    def end_wait(self) -> None:
        """Let those go on who wait for the last answer."""
        fulfil(self._waiting, None)
        self._waiting.clear()


class PointRead:
    """A read of one document that has been asked for. A failure stays in it until somebody asks for the document."""

    __slots__ = ("_document", "_failure", "_turn")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        turn.missing += 1

    def fulfil(self, document: Document | None, failure: BaseException | None = None) -> None:
        """Take the outcome: a document, None for one that doesn't exist, or why it couldn't be read."""
        self._document, self._failure = document, failure
        self._turn.missing -= 1
        if not self._turn.missing:
            self._turn.end_wait()

    async def document(self) -> Document | None:
        """Return the document once it and all that was begun with it are there.

        Raises:
            PyMongoError: the query failed, or the time of the request is over.
        """
        if self._turn.missing:
            await self._turn.answered()
        if self._failure:
            raise self._failure
        return self._document


_current: ContextVar[Turn | None] = ContextVar("parley_turn", default=None)
current_turn = _current.get
"""Return the turn of the running request; None outside of one."""
