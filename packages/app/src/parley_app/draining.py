"""A stop that is put off: whoever sends requests learns in time that this server is about to stop."""

import asyncio
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Protocol

from parley_core.errors import Unavailable

_STOPPING = "This server is about to stop: send requests to another one"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
Handler = Callable[[int, FrameType | None], object]


class Flag(Protocol):
    """An event of this process, or one that several share."""

    def is_set(self) -> bool:
        """Return whether it has happened."""

    def set(self) -> None:
        """Let it have happened."""


class Draining:
    """A part of readiness: a server that is about to stop isn't ready, although it still answers.

    Args:
        flag: set once a stop is certain; by another process where that decides.
    """

    def __init__(self, flag: Flag | None = None) -> None:
        self._flag = flag or threading.Event()

    @property
    def is_under_way(self) -> bool:
        """Whether a stop is certain."""
        return self._flag.is_set()

    def begin(self) -> None:
        """Be no longer ready."""
        self._flag.set()

    async def check_readiness(self) -> None:
        """Raise `Unavailable` once a stop is certain."""
        if self.is_under_way:
            raise Unavailable(_STOPPING)


class LateStop:
    """Passes a signal to stop on after some time; until then the server answers, but isn't ready.

    Args:
        draining: begins with the signal.
        seconds: how long the signal is put off; 0 changes nothing.
    """

    def __init__(self, draining: Draining, seconds: float) -> None:
        self._draining = draining
        self._seconds = seconds

    def install(self) -> None:
        """Stand before what handles the signals now; called in the loop, in the main thread."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS if self._seconds else ():
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, partial(self._put_off, loop, handler))

    def give_up(self) -> None:
        """Pass on at once what comes from now on: a server that has failed can't go on."""
        self._seconds = 0

    def _put_off(self, loop: asyncio.AbstractEventLoop, handler: Handler, number: int, frame: FrameType | None) -> None:
        if not self._seconds:
            handler(number, frame)
        elif not self._draining.is_under_way:
            self._draining.begin()
            # A signal's handler runs between any two steps of the loop, which may be asleep.
            loop.call_soon_threadsafe(loop.call_later, self._seconds, handler, number, None)
