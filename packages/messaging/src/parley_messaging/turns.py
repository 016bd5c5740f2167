"""One post after the other: within a process, posts to one interview don't run into each other's transactions."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each interview that somebody posts to at this moment.

    Order and density of the log come from the transactions alone; taking turns only saves them from
    conflicting, since each conflict costs both a repetition.
    """

    def __init__(self) -> None:
        # A lock is forgotten when nobody holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, interview_id: str) -> asyncio.Lock:
        """The interview's lock."""
        return self._locks.setdefault(interview_id, asyncio.Lock())
