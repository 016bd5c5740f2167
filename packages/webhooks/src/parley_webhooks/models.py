"""Webhooks, how far each has come, and what became of a delivery."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the time of a webhook whose stored document lacks it."""
UNKNOWN_USER = "000000000000000000000000"
"""Stands for the creator of a webhook whose stored document lacks it."""


class Because(StrEnum):
    """Why a webhook is inactive."""

    PAUSED = "paused"
    """An administrator deactivated it."""
    GONE = "gone"
    """The receiver answered 410."""
    FAILING = "failing"
    """One event failed for five days."""


class Outcome(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """The event is tried again later."""
    REFUSED = "refused"
    """The receiver will never take this event; the next one follows."""


@dataclass(frozen=True)
class SealedSecret:
    """A secret as it is stored.

    Args:
        sealed: the encrypted secret.
        until: when it stops to sign, after a rotation; None for the present one.
    """

    sealed: bytes
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a webhook has come.

    Args:
        position: everything in the log up to here was delivered, refused or not wanted.
        failures: how often the next event has failed.
        refusals: how many of these failures say that this event will never be taken.
        failing_since: when it failed first.
        next_at: when it is tried again; None for now.
    """

    position: int
    failures: int = 0
    refusals: int = 0
    failing_since: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A subscription to the log: where its events go, and which.

    Args:
        id: its id.
        url: where its events are delivered.
        types: the event types that it wants; none means all.
        active: whether it is delivered to.
        inactive_because: why it isn't.
        secrets: what signs its deliveries, the present one first.
        created_by: an administrator.
        created_at: when.
        updated_at: when one of the above changed last.
        rev: raised by each such change.
    """

    id: str
    url: str
    types: tuple[str, ...]
    active: bool
    inactive_because: Because | None
    secrets: tuple[SealedSecret, ...]
    created_by: str
    created_at: datetime
    updated_at: datetime
    rev: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came back from a receiver: a status, or the reason why there is none."""

    status: int | None = None
    reason: str | None = None
    retry_after: float | None = None
    milliseconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One delivery that was tried.

    Args:
        id: its id.
        webhook_id: whose it is.
        position: the event's position in the log; None for a test event.
        event_id: the id that the delivery carried.
        type: the event's type.
        at: when it began.
        outcome: what became of it.
        status: the HTTP status of the answer; None where there was none.
        reason: a word that says why there was no answer.
        milliseconds: how long it took.
    """

    id: str
    webhook_id: str
    position: int | None
    event_id: str
    type: str
    at: datetime
    outcome: Outcome
    status: int | None
    reason: str | None
    milliseconds: int
