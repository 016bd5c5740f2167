"""Refused requests fill no log."""

import logging
from datetime import timedelta

import pytest

from parley_core.log_lines import LogLine
from parley_core.refusals import RefusalLog, count_refusal
from parley_core.testing import MovableClock
from parley_core.testing.metrics import Metrics

LOG = logging.getLogger("parley.tests")


def a_log(kind: str, clock: MovableClock) -> RefusalLog:
    return RefusalLog(
        LOG,
        lambda count: LogLine("tested", "{kind} refused: {count}", kind=kind, count=count),
        budget=kind,
        clock=clock,
    )


def test_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The first is logged at once, the others once a minute with their number; kinds are counted apart."""
    clock = MovableClock()
    these, those = (a_log(kind, clock) for kind in ("these", "those"))
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
    refusals = a_log("letters", clock)
    refusals.add()
    clock.move(-timedelta(days=1))
    refusals.add()
    refusals.add()
    assert caplog.messages == ["letters refused: 1", "letters refused: 1"]


def test_counted(metrics: Metrics) -> None:
    """The metric has all of them, whether they are logged or not, by the budget that was spent."""
    refusals = a_log("letters", MovableClock())
    for _ in range(3):
        refusals.add()
    count_refusal("postcards")
    assert metrics.value("parley.refusals", budget="letters") == 3
    assert metrics.value("parley.refusals") == 4
