"""The signal that stops a server, noticed before the server itself acts on it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def before_stopping(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` in the running loop when SIGTERM or SIGINT comes, then whatever handled the signal before.

    A server waits for its connections before it leaves the application's lifespan, and so would wait for ever for an
    open stream. Nothing happens outside the main thread, or where nobody handles the signal.
    """
    handlers = {number: signal.getsignal(number) for number in _NUMBERS} if _is_main_thread() else {}
    chained = [_Chained(number, handler, act) for number, handler in handlers.items() if callable(handler)]
    try:
        yield
    finally:
        for link in chained:
            link.remove()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class _Chained:
    """A handler in front of another."""

    def __init__(
        self, number: int, handler: Callable[[int, FrameType | None], object], act: Callable[[], None]
    ) -> None:
        self._number = number
        self._handler = handler
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._is_removed = False
        signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._is_removed:
            self._loop.call_soon_threadsafe(self._act)
        self._handler(number, frame)

    def remove(self) -> None:
        """Put the other handler back; where a later one is in front of this one, do nothing from now on."""
        self._is_removed = True
        current: object = signal.getsignal(self._number)
        if current is self:
            signal.signal(self._number, self._handler)
