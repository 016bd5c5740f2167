"""The rules of interviews as data: who may do what in which status, and what follows from a change."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from parley_auth import Membership, PolicyRule, PolicyTable, Role
from parley_core import EventType
from parley_interviews.errors import InvalidParticipantRole
from parley_interviews.events import INTERVIEW_CANCELLED, INTERVIEW_COMPLETED, INTERVIEW_STARTED
from parley_interviews.models import Details, Interview, ParticipantRole, Status

SCOPE = "interview"
MAX_PARTICIPANTS = 100
OPEN = frozenset({Status.SCHEDULED, Status.ONGOING})
UNREDACTED = frozenset({Role.ADMIN, Role.INTERVIEWER})
"""The roles that see everybody's e-mail address and the whole history."""
SCHEDULE_FIELDS = frozenset({"scheduled_at", "duration_minutes", "time_zone"})

_ADMIN = frozenset({Role.ADMIN})
_INTERVIEWER = frozenset({Role.INTERVIEWER})
_OTHERS = frozenset({Role.INTERVIEWER, Role.CANDIDATE})


def _managed(action: str, *states: Status) -> PolicyRule:
    """Return the rule of an action that administrators may do, whether they take part or not."""
    return PolicyRule(action=action, scope=SCOPE, roles=_ADMIN, states=frozenset(states) or None)


def _taking_part(action: str, roles: frozenset[Role], *states: Status) -> PolicyRule:
    """Return the rule of an action for participants alone."""
    return PolicyRule(
        action=action,
        scope=SCOPE,
        roles=roles,
        membership=Membership.PARTICIPANT,
        states=frozenset(states) or None,
    )


POLICIES = [
    PolicyRule(action="interviews:create", roles=_ADMIN),
    PolicyRule(action="interviews:list", roles=frozenset(Role)),
    _managed("interviews:read"),
    _taking_part("interviews:read", _OTHERS),
    _managed("interviews:update", *OPEN),
    _managed("interviews:start", Status.SCHEDULED),
    _taking_part("interviews:start", _INTERVIEWER, Status.SCHEDULED),
    _managed("interviews:complete", Status.ONGOING),
    _taking_part("interviews:complete", _INTERVIEWER, Status.ONGOING),
    _managed("interviews:cancel", Status.SCHEDULED),
    _managed("participants:add", *OPEN),
    _managed("participants:remove", *OPEN),
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


def allowed_transitions(policy: PolicyTable, role: Role, status: Status, *, member: bool) -> list[Status]:
    """Return the statuses that a caller may bring an interview to now."""
    return [
        target
        for target, transition in TRANSITIONS.items()
        if policy.permits(transition.action, role, member=member, state=status)
    ]


def lists_all(policy: PolicyTable, role: Role) -> bool:
    """Return whether a role's list holds every interview, since it may read them all without taking part."""
    return all(policy.permits("interviews:read", role, member=False, state=status) for status in Status)


def role_in_interview(account_role: Role, wanted: ParticipantRole | None) -> ParticipantRole:
    """Return the role in which an account takes part, which follows from the account's role.

    Raises:
        InvalidParticipantRole: another role is wanted.
    """
    candidate = account_role is Role.CANDIDATE
    natural = ParticipantRole.CANDIDATE if candidate else ParticipantRole.INTERVIEWER
    if wanted is not None and wanted is not natural:
        raise InvalidParticipantRole
    return natural


def details_of(source: object) -> dict[str, Any]:
    """Return the fields of `Details` of an object that has them."""
    return {name: getattr(source, name) for name in Details.__dataclass_fields__}


def changed_details(before: Interview, wanted: Mapping[str, object]) -> dict[str, Any]:
    """Return those of the wanted details that differ from the stored ones."""
    return {name: wanted[name] for name, old in details_of(before).items() if name in wanted and wanted[name] != old}


def consequences(before: Interview, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what follows from changed details: another schedule has another end and the next version."""
    if not SCHEDULE_FIELDS & details.keys():
        return {}
    after = replace(before, **details)
    ends_at = end_of(after.scheduled_at, after.duration_minutes)
    return {"ends_at": ends_at, "schedule_version": before.schedule_version + 1}


def recorded(before: Interview, changes: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """Return what an event says of changes: the details that differ, and another end; each reschedule is a version."""
    differing = {name: (getattr(before, name), value) for name, value in changes.items() if name != "schedule_version"}
    return {name: values for name, values in differing.items() if values[0] != values[1]}


def end_of(scheduled_at: datetime, duration_minutes: int) -> datetime:
    """Return the scheduled end of an interview."""
    return scheduled_at + timedelta(minutes=duration_minutes)


def words_of(text: str) -> list[str]:
    """Return the words of a title as the filter `q` compares them: case folded, each once, in order."""
    return list(dict.fromkeys(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())))
