"""Writes that wait for MongoDB: what one of them meets concerns no other."""

import pytest

from parley_auth.when_back import WhenBack


async def test_a_defect(caplog: pytest.LogCaptureFixture) -> None:
    """A write with a defect is reported with its traceback and given up, and the others are done."""
    done: list[str] = []

    async def broken() -> None:
        raise LookupError("a defect")

    async def sound() -> None:
        done.append("sound")

    when_back = WhenBack()
    when_back.add("broken", broken)
    when_back.add("sound", sound)
    await when_back.drain()
    assert (done, len(when_back)) == (["sound"], 0)
    [record] = caplog.records
    assert (record.levelname, record.exc_info is not None) == ("ERROR", True)
