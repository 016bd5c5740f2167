"""Refused requests fill no log."""

import logging
from datetime import timedelta

import pytest

from parley_core.refusals import RefusalLog
from parley_core.testing import MovableClock

LOG = logging.getLogger("parley.tests")


def test_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The first is logged at once, the others once a minute with their number; kinds are counted apart."""
    clock = MovableClock()
    these, those = (RefusalLog(LOG, f"{kind} refused: %d", clock=clock) for kind in ("these", "those"))
    for _ in range(1000):
        these.add()
    those.add()
    clock.move(timedelta(seconds=59))
    these.add()
    assert caplog.messages == ["these refused: 1", "those refused: 1"]
    clock.move(timedelta(seconds=1))
    these.add()
    these.add()
    assert caplog.messages[2:] == ["these refused: 1001"]


def test_a_clock_that_was_put_back(caplog: pytest.LogCaptureFixture) -> None:
    """It doesn't silence the log."""
    clock = MovableClock()
    refusals = RefusalLog(LOG, "refused: %d", clock=clock)
    refusals.add()
    clock.move(-timedelta(days=1))
    refusals.add()
    refusals.add()
    assert caplog.messages == ["refused: 1", "refused: 1"]
