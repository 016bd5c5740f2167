"""The end of the process interrupts whoever waits, and nobody else."""

import asyncio

import pytest

from parley_events.stream.ending import Ending


class TestInterrupting:
    async def test_a_wait(self) -> None:
        """A wait that is under way is left at once, without an error, and the block's own code after it runs."""
        ending, reached = Ending(), []

        async def wait() -> None:
            async with ending.interrupting():
                reached.append("waits")
                await asyncio.sleep(60)
                reached.append("never")
            reached.append("after")

        async with asyncio.timeout(5):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            ending.come()
            await waiting
        assert reached == ["waits", "after"]

    async def test_one_that_comes_later(self) -> None:
        """Once the end has come nothing waits any more."""
        ending = Ending()
        ending.come()
        async with asyncio.timeout(5):
            async with ending.interrupting():
                await asyncio.sleep(60)
        assert ending.has_come

    async def test_not_before(self) -> None:
        """Until then a block runs to its end, with its own errors, timeouts among them, and is forgotten."""
        ending = Ending()
        async with ending.interrupting():
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with ending.interrupting():
                raise TimeoutError
        ending.come()
        assert ending.has_come
