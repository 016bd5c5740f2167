"""What happens before a server acts on the signal that stops it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from parley_core.stopping import before_stopping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@pytest.fixture
def server() -> Iterator[list[int]]:
    """The signals that a server's own handler has got."""
    got: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        got.append(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    yield got
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_both_act(server: list[int], number: signal.Signals) -> None:
    """The signal is acted on here, and then by the server's own handler; afterwards by that alone."""
    acted = asyncio.Event()
    with before_stopping(acted.set):
        signal.raise_signal(number)
        await asyncio.wait_for(acted.wait(), 5)
    acted.clear()
    signal.raise_signal(number)
    await asyncio.sleep(0)
    assert server == [number, number]
    assert not acted.is_set()


async def test_left_out_of_order(server: list[int]) -> None:
    """One that leaves while a later one stands before it falls silent, and the later one goes on."""
    acted: list[str] = []
    first, second = (before_stopping(lambda name=name: acted.append(name)) for name in ("first", "second"))  # type: ignore[misc]
    first.__enter__()
    with second:
        first.__exit__(None, None, None)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
    assert acted == ["second"]
    assert server == [signal.SIGTERM]


async def test_nobody_handles(server: list[int]) -> None:
    """Where a signal has its default effect it keeps it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with before_stopping(server.clear):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_other_thread(server: list[int]) -> None:
    """A server in another thread has no signals, and starts all the same."""

    def serve() -> None:
        async def run() -> None:
            with before_stopping(server.clear):
                await asyncio.sleep(0)

        asyncio.run(run())

    await asyncio.to_thread(serve)
