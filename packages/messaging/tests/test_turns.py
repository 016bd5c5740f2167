"""The locks of those who post."""

import asyncio
import weakref

from parley_messaging.turns import Turns


async def test_one_after_the_other() -> None:
    """Who posts to one interview waits for the one before, and for nobody who posts to another."""
    turns, inside, most = Turns(), {"a": 0, "b": 0}, {"a": 0, "b": 0}

    async def post(interview: str) -> None:
        async with turns.of(interview):
            inside[interview] += 1
            most[interview] = max(most[interview], inside[interview])
            if interview == "a":
                together.set()
            await together.wait()
            await asyncio.sleep(0)
            inside[interview] -= 1

    together = asyncio.Event()
    await asyncio.wait_for(asyncio.gather(*(post(interview) for interview in "bbbaaa")), timeout=5)
    assert most == {"a": 1, "b": 1}


async def test_forgotten() -> None:
    """A lock exists only as long as somebody holds it or waits for it."""
    turns = Turns()
    async with turns.of("a"):
        held = weakref.ref(turns.of("a"))
        assert turns.of("a").locked()
    assert held() is None
