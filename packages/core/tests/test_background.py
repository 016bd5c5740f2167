"""Work beside the requests: what it doesn't expect is reported and ends it for a moment only."""

import asyncio

import pytest

from parley_core import background
from parley_core.background import kept_running


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0)


class Work:
    """Fails in its first rounds as it is told to, and then runs until it is released."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.is_running, self.released = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.is_running.set()
        await self.released.wait()


@pytest.mark.parametrize("failure", [LookupError("gone"), asyncio.CancelledError()], ids=["error", "cancelled_inside"])
async def test_failure(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """A failure is logged with its traceback, one that looks like a cancellation too, and the work begins anew."""
    work = Work(failure)
    task = asyncio.create_task(kept_running(work, "the work"))
    await asyncio.wait_for(work.is_running.wait(), 10)
    [record] = [record for record in caplog.records if record.name == "parley.background"]
    assert (record.levelname, record.getMessage()) == ("ERROR", "the work failed and begins anew in 0 s")
    assert record.exc_info is not None
    assert record.exc_info[1] is failure
    work.released.set()
    await task


async def test_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """Work whose task is cancelled ends, and nothing is reported."""
    work = Work()
    task = asyncio.create_task(kept_running(work, "the work"))
    await work.is_running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not caplog.records


async def test_failure_when_cancelled() -> None:
    """Work that answers a cancellation with an error, as the database's driver may, ends with it."""
    is_running = asyncio.Event()

    async def work() -> None:
        is_running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LookupError from None

    task = asyncio.create_task(kept_running(work, "the work"))
    await is_running.wait()
    task.cancel()
    with pytest.raises(LookupError):
        await task
