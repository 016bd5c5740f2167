"""The rules of webhooks: who may manage them, and what follows from an attempt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from parley_auth import ADMIN, PolicyRule
from parley_webhooks.models import Because, Outcome, Progress, Result

CREATE, READ, UPDATE, DELETE, SEND = (f"webhooks:{verb}" for verb in ("create", "read", "update", "delete", "send"))
_ADMINS = frozenset({ADMIN})

POLICIES = [PolicyRule(action=action, roles=_ADMINS) for action in (CREATE, READ, UPDATE, DELETE, SEND)]

MAX_WEBHOOKS = 10
ROTATION = timedelta(hours=24)
"""How long the secret before a rotation goes on signing."""
KEPT = timedelta(days=30)
"""How long attempts are kept."""
MAX_LISTED = 10_000
"""How many attempts of a webhook are listed, so that no page costs more than the first ones."""
GIVE_UP = timedelta(days=5)
"""After this time of failures of one event a webhook becomes inactive."""
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))
"""The pauses before the next tries; the last one repeats."""
MAX_REFUSALS = 3
"""An event that was refused so often is not sent again."""

_REFUSING = {400, 413, 422}
_GONE = 410
_TOO_LARGE = "too_large"
_LONGEST_RETRY_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """What follows from an attempt.

    Args:
        outcome: what became of it.
        progress: how far the webhook is now.
        inactive: why the webhook becomes inactive; None where it doesn't.
    """

    outcome: Outcome
    progress: Progress
    inactive: Because | None = None


def outcome_of(result: Result) -> Outcome:
    """Return what became of an attempt, apart from others."""
    return Outcome.DELIVERED if result.status is not None and 200 <= result.status < 300 else Outcome.FAILED  # noqa: PLR2004 - RFC 9110, 15.3


def step(progress: Progress, result: Result, *, position: int, now: datetime) -> Step:
    """Return what follows from an attempt to deliver the event at `position`.

    Args:
        progress: how far the webhook was.
        result: what came back.
        position: the event's position in the log.
        now: when it came back.
    """
    if outcome_of(result) is Outcome.DELIVERED:
        return Step(Outcome.DELIVERED, Progress(position=position))
    if result.status == _GONE:
        return Step(Outcome.FAILED, Progress(position=progress.position), Because.GONE)
    failed = _failed(progress, result, now)
    if failed.refusals >= MAX_REFUSALS or result.reason == _TOO_LARGE:
        return Step(Outcome.REFUSED, Progress(position=position))
    if failed.failing_since is not None and now - failed.failing_since >= GIVE_UP:
        return Step(Outcome.FAILED, Progress(position=progress.position), Because.FAILING)
    return Step(Outcome.FAILED, failed)


def _failed(progress: Progress, result: Result, now: datetime) -> Progress:
    refused = result.status in _REFUSING
    refusals, failures = progress.refusals + refused, progress.failures + 1
    return replace(
        progress,
        failures=failures,
        refusals=refusals,
        failing_since=progress.failing_since or now,
        next_at=now + (_delay(refusals) if refused else _wanted_delay(result, failures)),
    )


def _wanted_delay(result: Result, failures: int) -> timedelta:
    if result.retry_after is None:
        return _delay(failures)
    return max(DELAYS[0], min(timedelta(seconds=result.retry_after), _LONGEST_RETRY_AFTER))


def _delay(failures: int) -> timedelta:
    return DELAYS[min(failures, len(DELAYS)) - 1]
