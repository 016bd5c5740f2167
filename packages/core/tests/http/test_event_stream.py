"""Streams and their places: what is free again when, whoever leaves at whatever moment."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import nullcontext, suppress
from datetime import timedelta

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope

from parley_core.errors import TooManyStreams, Unavailable
from parley_core.http.event_stream import EventStream
from parley_core.http.stream_budget import StreamBudget
from parley_core.testing import MovableClock
from parley_core.testing.metrics import Metrics


def a_budget(*, per_user: int = 2, per_worker: int = 3, clock: MovableClock | None = None) -> StreamBudget:
    return StreamBudget(per_user=per_user, per_worker=per_worker, clock=clock or MovableClock())


class TestBudget:
    def test_of_a_user(self, caplog: pytest.LogCaptureFixture) -> None:
        """One more than a user may have is 429, until one of theirs ends; others aren't concerned."""
        budget = a_budget()
        first, _second, _others = budget.take("ada"), budget.take("ada"), budget.take("bob")
        for _ in range(3):
            with pytest.raises(TooManyStreams) as refused:
                budget.take("ada")
            assert int(refused.value.headers["Retry-After"]) > 0
        with first:
            pass
        assert budget.open == 2
        budget.take("ada")
        assert caplog.messages == ["streams refused to users who have 2 open in this worker: 1"]

    def test_of_the_process(self, caplog: pytest.LogCaptureFixture) -> None:
        """One more than the process may have is 503, whoever asks; the log has a line a minute."""
        clock = MovableClock()
        budget = a_budget(clock=clock)
        places = [budget.take(name) for name in ("ada", "ada", "bob")]
        for _ in range(3):
            with pytest.raises(Unavailable) as refused:
                budget.take("eve")
            assert int(refused.value.headers["Retry-After"]) > 0
        clock.move(timedelta(minutes=1))
        with pytest.raises(Unavailable):
            budget.take("eve")
        assert caplog.messages == [f"streams refused since this worker has 3 open: {n}" for n in (1, 3)]
        for place in places:
            with place:
                pass
        assert budget.open == 0

    def test_measured(self, metrics: Metrics) -> None:
        """The streams that are open, and those that were refused by the budget that was spent."""
        budget = a_budget()
        places = [budget.take(name) for name in ("ada", "ada", "bob")]
        with pytest.raises(TooManyStreams):
            budget.take("ada")
        with pytest.raises(Unavailable):
            budget.take("eve")
        assert metrics.value("parley.streams") == 3
        for place in places:
            with place:
                pass
        assert metrics.value("parley.streams") == 0
        assert metrics.value("parley.refusals", budget="streams_of_user") == 1
        assert metrics.value("parley.refusals", budget="streams_of_worker") == 1

    def test_no_limit(self) -> None:
        """0 lets a user have as many as the process may have."""
        budget = a_budget(per_user=0, per_worker=100)
        assert len([budget.take("ada") for _ in range(100)]) == budget.open


class Client:
    """A client that leaves before it is asked, before the first byte, between events, or never."""

    def __init__(self, leaves: str) -> None:
        self._leaves = leaves
        self._has_left = asyncio.Event()
        if leaves == "before it is asked":
            self._has_left.set()

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield what it is sent."""
        yield b"one"
        if self._leaves == "between events":
            self._has_left.set()
            await asyncio.sleep(0.01)
        yield b"two"

    async def receive(self) -> Message:
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, _message: Message) -> None:
        if self._leaves == "before the first byte":
            self._has_left.set()
        if self._has_left.is_set():
            raise OSError("the connection is closed")


class TestPlace:
    @pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
    @pytest.mark.parametrize("leaves", ["before it is asked", "before the first byte", "between events", "never"])
    async def test_free_again(self, spec_version: str, leaves: str) -> None:
        """The source is closed and its place free, at whatever moment the client leaves."""
        budget, client = a_budget(), Client(leaves)
        source = client.events()
        stream = EventStream(source, place=budget.take("ada"))
        scope: Scope = {"type": "http", "asgi": {"spec_version": spec_version}}
        assert budget.open == 1
        async with asyncio.timeout(5):
            with nullcontext() if leaves == "never" else suppress(OSError, ExceptionGroup, ClientDisconnect):
                await stream(scope, client.receive, client.send)
        assert budget.open == 0
        assert [event async for event in source] == []
