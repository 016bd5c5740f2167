"""The rules of interviews as data: who may do what in which status, and what follows from a change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from parley_auth import ADMIN, OUTSIDER, Access, PolicyRule, Role
from parley_core import EventType, digest_of
from parley_interviews.errors import InvalidParticipantRole
from parley_interviews.events import INTERVIEW_CANCELLED, INTERVIEW_COMPLETED, INTERVIEW_STARTED
from parley_interviews.models import Details, Interview, ParticipantRole, Status

SCOPE = "interview"
MAX_PARTICIPANTS = 100
MAX_MINUTES = 1440
LONGEST = timedelta(minutes=MAX_MINUTES)
"""No interview takes longer."""

OPEN = frozenset({Status.SCHEDULED, Status.ONGOING})
_NOT_CANCELLED = OPEN | {Status.COMPLETED}
SCHEDULE_FIELDS = frozenset({"scheduled_at", "duration_minutes", "time_zone"})
_NEVER_RECORDED = frozenset({"notes", "comment"})

INTERVIEWER, CANDIDATE = str(ParticipantRole.INTERVIEWER), str(ParticipantRole.CANDIDATE)
"""The names of roles of accounts and, in an interview, of relations: what counts there is the relation."""

ROLES = [
    Role(INTERVIEWER, "Employees who interview."),
    Role(CANDIDATE, "People who are interviewed, and whoever registers.", registers=True),
]

READ_INTERNAL = "interviews:read_internal"
"""Reading the notes, the reasons in the history and others' e-mail addresses."""

READ, UPDATE = "interviews:read", "interviews:update"
ADD, REMOVE = "participants:add", "participants:remove"
READ_CONFLICTS = "schedule:read_conflicts"
READ_OWN_SCHEDULE, READ_SCHEDULES = "schedule:read_own", "schedule:read"
READ_ATTENDANCE, ANSWER = "attendance:read", "attendance:answer"
MARK, MARK_INTERVIEWERS = "attendance:mark", "attendance:mark_interviewers"
"""Marking whether candidates came, and whether interviewers did."""

_ADMIN = frozenset({ADMIN})


def _managed(action: str, *states: Status) -> PolicyRule:
    """Return the rule of an action that administrators may do, unless they are the interview's candidate."""
    return PolicyRule(
        action=action,
        scope=SCOPE,
        roles=_ADMIN,
        relations=frozenset({OUTSIDER, INTERVIEWER}),
        states=frozenset(states) or None,
    )


def _interviewing(action: str, *states: Status) -> PolicyRule:
    """Return the rule of an action that employees may do who take part as interviewers."""
    return PolicyRule(
        action=action,
        scope=SCOPE,
        roles=frozenset({INTERVIEWER}),
        relations=frozenset({INTERVIEWER}),
        states=frozenset(states) or None,
    )


POLICIES = [
    PolicyRule(action="interviews:create", roles=_ADMIN),
    PolicyRule(action="interviews:list", roles=None),
    _managed(READ),
    PolicyRule(action=READ, scope=SCOPE, roles=None),
    _managed(READ_INTERNAL),
    _interviewing(READ_INTERNAL),
    _managed(UPDATE, *OPEN),
    _managed("interviews:start", Status.SCHEDULED),
    _interviewing("interviews:start", Status.SCHEDULED),
    _managed("interviews:complete", Status.ONGOING),
    _interviewing("interviews:complete", Status.ONGOING),
    _managed("interviews:cancel", Status.SCHEDULED),
    _managed(ADD, *OPEN),
    _managed(REMOVE, *OPEN),
    _managed(READ_CONFLICTS),
    _interviewing(READ_CONFLICTS),
    PolicyRule(action=READ_SCHEDULES, roles=_ADMIN),
    PolicyRule(action=READ_OWN_SCHEDULE, roles=None, for_keys=False),
    _managed(READ_ATTENDANCE),
    PolicyRule(action=READ_ATTENDANCE, scope=SCOPE, roles=None),
    PolicyRule(action=ANSWER, scope=SCOPE, roles=None, states=OPEN),
    _managed(MARK, *_NOT_CANCELLED),
    _interviewing(MARK, *_NOT_CANCELLED),
    _managed(MARK_INTERVIEWERS, *_NOT_CANCELLED),
]


@dataclass(frozen=True)
class Transition:
    """How a status is reached.

    Args:
        action: its rules say by whom, and from which statuses.
        event: what has happened then.
    """

    action: str
    event: EventType


TRANSITIONS: Mapping[Status, Transition] = {
    Status.ONGOING: Transition("interviews:start", INTERVIEW_STARTED),
    Status.COMPLETED: Transition("interviews:complete", INTERVIEW_COMPLETED),
    Status.CANCELLED: Transition("interviews:cancel", INTERVIEW_CANCELLED),
}


def allowed_transitions(access: Access, relation: str, status: Status) -> list[Status]:
    """Return the statuses that a caller with this relation to an interview may bring it to now."""
    return [
        target
        for target, transition in TRANSITIONS.items()
        if access.permits_as(relation, transition.action, state=status)
    ]


_STATES = tuple(Status)


def lists_all(access: Access) -> bool:
    """Return whether a caller's list has every interview, since their role may read them all without taking part.

    An API key lists what its creator's role may, without naming `interviews:read` too.
    """
    return access.policy.permits_throughout(READ, access.principal.role, relation=OUTSIDER, states=_STATES)


def role_in_interview(account_role: str, wanted: ParticipantRole | None) -> ParticipantRole:
    """Return the role in which an account takes part: employees as either, others as candidate.

    Raises:
        InvalidParticipantRole: a candidate's account is wanted as interviewer.
    """
    if account_role in {ADMIN, INTERVIEWER}:
        return wanted or ParticipantRole.INTERVIEWER
    if wanted is ParticipantRole.INTERVIEWER:
        raise InvalidParticipantRole
    return ParticipantRole.CANDIDATE


def details_of(source: object) -> dict[str, Any]:
    """Return the fields of `Details` of an object that has them."""
    return {name: getattr(source, name) for name in Details.__dataclass_fields__}


def changed_details(before: Interview, wanted: Mapping[str, object]) -> dict[str, Any]:
    """Return those of the wanted details that differ from the stored ones."""
    return {name: wanted[name] for name, old in details_of(before).items() if name in wanted and wanted[name] != old}


def consequences(before: Interview, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what follows from changed details: another schedule has another end and the next version."""
    if not moving(details):
        return {}
    after = replace(before, **details)
    ends_at = end_of(after.scheduled_at, after.duration_minutes)
    return {"ends_at": ends_at, "schedule_version": before.schedule_version + 1}


def moving(details: Mapping[str, Any]) -> str | None:
    """Return the first of the changed details that makes their change a reschedule; None where none does."""
    return next((name for name in details if name in SCHEDULE_FIELDS), None)


def recorded(before: Interview, changes: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """Return what an event says of changes: the details that differ, and another end; each reschedule is a version."""
    differing = {name: (getattr(before, name), value) for name, value in changes.items() if name != "schedule_version"}
    return {
        name: (as_recorded(name, old), as_recorded(name, new)) for name, (old, new) in differing.items() if old != new
    }


def as_recorded(name: str, value: object) -> object:
    """Return the value of a field as events have it: notes and comments always as their length and SHA-256."""
    return digest_of(value) if name in _NEVER_RECORDED and isinstance(value, str) else value


def end_of(scheduled_at: datetime, duration_minutes: int) -> datetime:
    """Return the scheduled end of an interview."""
    return scheduled_at + timedelta(minutes=duration_minutes)
