"""What follows from an attempt: the schedule, without network, database or clock."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from parley_core.testing import NOON
from parley_webhooks.models import Because, Outcome, Progress, Result
from parley_webhooks.policy import outcome_of, step

START = Progress(position=6)
POSITION = 9


def steps(result: Result, until: timedelta) -> Iterator[tuple[timedelta, Outcome, Progress, Because | None]]:
    """What follows from the same answer again and again, each try at its time, up to `until` after the first."""
    progress, now = START, NOON
    while now <= NOON + until:
        follows = step(progress, result, position=POSITION, now=now)
        yield now - NOON, follows.outcome, follows.progress, follows.inactive
        progress = follows.progress
        if follows.inactive or progress.next_at is None:
            return
        now = progress.next_at


def pauses(result: Result, count: int) -> list[float]:
    """The pauses in seconds between the first tries."""
    times = [passed for passed, *_ in steps(result, timedelta(days=4))][: count + 1]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(times)]


class TestDelivered:
    @pytest.mark.parametrize("status", [200, 201, 204, 299])
    def test_any_2xx(self, status: int) -> None:
        """The webhook has come to the event, and nothing is left of its failures."""
        failing = Progress(position=6, failures=3, refusals=1, failing_since=NOON, next_at=NOON)
        follows = step(failing, Result(status=status), position=POSITION, now=NOON)
        assert (follows.outcome, follows.progress, follows.inactive) == (
            Outcome.DELIVERED,
            Progress(position=POSITION),
            None,
        )


class TestFailed:
    @pytest.mark.parametrize(
        "result",
        [
            *(Result(status=status) for status in (100, 301, 307, 401, 403, 404, 408, 409, 429, 500, 503)),
            Result(reason="tls"),
        ],
        ids=lambda result: str(result.status or result.reason),
    )
    def test_pauses(self, result: Result) -> None:
        """Anything else is tried again after 5 s, 30 s, 2 min, 10 min and then hourly; the position stays."""
        assert pauses(result, 7) == [5, 30, 120, 600, 3600, 3600, 3600]
        assert {progress.position for _, _, progress, _ in steps(result, timedelta(days=1))} == {START.position}

    def test_five_days(self) -> None:
        """After five days the webhook becomes inactive, and stays before the event that failed."""
        *before, last = steps(Result(status=500), timedelta(days=6))
        assert all(inactive is None for *_, inactive in before)
        passed, outcome, progress, inactive = last
        assert timedelta(days=5) <= passed < timedelta(days=5, hours=1)
        assert (outcome, progress, inactive) == (Outcome.FAILED, START, Because.FAILING)

    def test_five_days_are_of_one_event(self) -> None:
        """The five days begin anew with each event."""
        since = NOON - timedelta(days=4, hours=23)
        delivered = step(
            Progress(position=6, failures=50, failing_since=since), Result(status=200), position=7, now=NOON
        )
        follows = step(delivered.progress, Result(status=500), position=8, now=NOON + timedelta(days=1))
        assert follows.inactive is None
        assert follows.progress.failing_since == NOON + timedelta(days=1)

    @pytest.mark.parametrize(
        ("wanted", "seconds"),
        [(0, 5), (2, 5), (17, 17), (7200, 7200), (86_400, 86_400), (10**9, 86_400)],
    )
    def test_retry_after(self, wanted: float, seconds: float) -> None:
        """Retry-After counts instead of the schedule, from five seconds to a day."""
        follows = step(START, Result(status=503, retry_after=wanted), position=POSITION, now=NOON)
        assert follows.progress.next_at == NOON + timedelta(seconds=seconds)


class TestRefused:
    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_three_tries_within_a_minute(self, status: int) -> None:
        """The third refusal is the last one: the event is noted as refused and the next one follows."""
        *before, last = steps(Result(status=status), timedelta(minutes=1))
        assert [(passed.total_seconds(), outcome) for passed, outcome, *_ in before] == [
            (0, Outcome.FAILED),
            (5, Outcome.FAILED),
        ]
        passed, outcome, progress, inactive = last
        assert (passed.total_seconds(), outcome, progress, inactive) == (
            35,
            Outcome.REFUSED,
            Progress(position=POSITION),
            None,
        )

    def test_other_failures_between(self) -> None:
        """Failures of another kind between refusals don't count as refusals."""
        progress, now = START, NOON
        outcomes = []
        for status in (400, 500, 500, 400, 500, 400):
            follows = step(progress, Result(status=status), position=POSITION, now=now)
            progress, now = follows.progress, follows.progress.next_at or now
            outcomes.append(follows.outcome)
        assert outcomes == [Outcome.FAILED] * 5 + [Outcome.REFUSED]

    def test_too_large(self) -> None:
        """An event that is too large to be sent at all is refused at once."""
        follows = step(START, Result(reason="too_large"), position=POSITION, now=NOON)
        assert (follows.outcome, follows.progress) == (Outcome.REFUSED, Progress(position=POSITION))


def test_gone() -> None:
    """410 makes the webhook inactive at once, before the event."""
    follows = step(START, Result(status=410), position=POSITION, now=NOON)
    assert (follows.outcome, follows.progress, follows.inactive) == (Outcome.FAILED, START, Because.GONE)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Result(status=204), Outcome.DELIVERED),
        (Result(status=199), Outcome.FAILED),
        (Result(status=300), Outcome.FAILED),
        (Result(status=400), Outcome.FAILED),
        (Result(reason="timeout"), Outcome.FAILED),
    ],
    ids=["204", "199", "300", "400", "timeout"],
)
def test_outcome_of_a_single_attempt(result: Result, outcome: Outcome) -> None:
    """A delivery on request is delivered or failed."""
    assert outcome_of(result) is outcome
