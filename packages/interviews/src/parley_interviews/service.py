"""The rules of interviews."""

from collections.abc import Sequence
from typing import Any

from parley_auth import Access, ScopedAccess
from parley_auth.errors import NotAParticipant
from parley_core import Clock, Event, EventType, Expression, Parley, new_id
from parley_core.errors import PreconditionFailed, Unavailable

from parley_interviews import schemas
from parley_interviews.assignment import Assignments
from parley_interviews.errors import InterviewClosed, InterviewNotFound, InvalidTransition
from parley_interviews.events import INTERVIEW_CREATED, INTERVIEW_RESCHEDULED, INTERVIEW_UPDATED
from parley_interviews.models import HistoryEntry, Interview, Status
from parley_interviews.policy import (
    OPEN,
    SCHEDULE_FIELDS,
    TRANSITIONS,
    allowed_transitions,
    changed_details,
    details_of,
    end_of,
)
from parley_interviews.repository import InterviewRepository, audience
from parley_interviews.presentation import present
from parley_interviews.versions import KnownVersions

_ATTEMPTS = 20


class InterviewService:
    """Plans interviews and leads them through their life."""

    def __init__(self, parley: Parley) -> None:
        self._interviews = InterviewRepository(parley.database)
        self._assignments = Assignments(parley)
        self._clock: Clock = parley.clock

    async def create(self, wanted: schemas.InterviewCreate, access: Access) -> schemas.Interview:
        """Plans an interview with its participants, all of it or nothing.

        Raises:
            UserNotFound, InactiveUser, InvalidParticipantRole, DuplicateParticipant: somebody can't take part.
        """
        now = self._clock()
        participants = await self._assignments.resolve(wanted.participants, access.principal.id, now)
        interview = Interview(
            **details_of(wanted),
            id=new_id(),
            status=Status.SCHEDULED,
            ends_at=end_of(wanted.scheduled_at, wanted.duration_minutes),
            rev=1,
            schedule_version=0,
            created_by=access.principal.id,
            created_at=now,
            updated_at=now,
        )
        event = Event(
            type=INTERVIEW_CREATED,
            at=now,
            actor=access.actor,
            changes={name: (None, value) for name, value in details_of(wanted).items()},
            audience=tuple(p.user_id for p in participants),
        )
        await self._interviews.add(interview, participants, event)
        member = access.principal.id in {p.user_id for p in participants}
        return present(interview, access.policy, access.principal.role, member=member)

    async def get(self, access: ScopedAccess) -> schemas.Interview:
        """The interview as the caller sees it."""
        return self._presented(await self._read(access.resource.id), access)

    async def update(
        self, access: ScopedAccess, wanted: schemas.InterviewUpdate, known: KnownVersions
    ) -> schemas.Interview:
        """Changes details; a changed time, duration or zone is a reschedule.

        Raises:
            PreconditionFailed: If-Match names another version.
            InterviewClosed: the interview is completed or cancelled.
        """
        given = wanted.given()
        reason = given.pop("reason", None)
        for _ in range(_ATTEMPTS):
            before = await self._read(access.resource.id)
            _check_version(before, known)
            if before.status not in OPEN:
                raise InterviewClosed
            details = changed_details(before, given)
            if not details:
                return self._presented(before, access)
            event, changes = self._change(before, details, access, reason)
            if after := await self._interviews.update(before, changes, event, revs=known.revs):
                return self._presented(after, access)
        raise Unavailable

    async def transition(
        self, access: ScopedAccess, wanted: schemas.StatusChange, known: KnownVersions
    ) -> schemas.Interview:
        """Brings the interview to another status.

        Raises:
            PermissionDenied: the caller's role may never bring an interview there.
            InvalidTransition: it can't go there from where it is.
            PreconditionFailed: If-Match names another version.
        """
        action, kind = TRANSITIONS.get(wanted.status, (None, None))
        if action:
            access.require(action)
        for _ in range(_ATTEMPTS):
            before = await self._read(access.resource.id)
            _check_version(before, known)
            allowed = allowed_transitions(
                access.policy, access.principal.role, before.status, member=access.resource.member
            )
            if kind is None or action is None or wanted.status not in allowed:
                raise _invalid(before.status, wanted.status, allowed)
            if after := await self._write_status(before, wanted, access, action, kind, known):
                return self._presented(after, access)
            await self._check_still_in(access, action)
        raise Unavailable

    async def history(self, access: ScopedAccess, *, limit: int, offset: int) -> tuple[list[HistoryEntry], int]:
        """A page of what happened to the interview, oldest first, and how many entries there are."""
        return await self._interviews.history(access.resource.id, limit=limit, offset=offset)

    async def _read(self, interview_id: str) -> Interview:
        if (interview := await self._interviews.get(interview_id)) is None:
            raise InterviewNotFound
        return interview

    async def _write_status(
        self,
        before: Interview,
        wanted: schemas.StatusChange,
        access: ScopedAccess,
        action: str,
        kind: EventType,
        known: KnownVersions,
    ) -> Interview | None:
        now = self._clock()
        changes: dict[str, object] = {"status": wanted.status, "updated_at": now}
        if wanted.status is Status.CANCELLED:
            changes["schedule_version"] = Expression({"$add": ["$schedule_version", 1]})
        event = Event(
            type=kind,
            at=now,
            actor=access.actor,
            changes={"status": (before.status, wanted.status)},
            reason=wanted.reason,
            audience=audience(),
        )
        participant = access.principal.id if access.needs_membership(action) else None
        return await self._interviews.transition(before, changes, event, participant=participant, revs=known.revs)

    async def _check_still_in(self, access: ScopedAccess, action: str) -> None:
        """A write that found no interview to change may have lost its author's membership meanwhile."""
        if access.needs_membership(action):
            found = await self._interviews.access(access.resource.id, access.principal.id)
            if not found or not found.get("participants"):
                raise NotAParticipant

    def _change(
        self, before: Interview, details: dict[str, Any], access: ScopedAccess, reason: str | None
    ) -> tuple[Event, dict[str, object]]:
        now = self._clock()
        changes: dict[str, object] = {**details, "updated_at": now}
        rescheduled = bool(SCHEDULE_FIELDS & details.keys())
        if rescheduled:
            scheduled_at = details.get("scheduled_at", before.scheduled_at)
            duration = details.get("duration_minutes", before.duration_minutes)
            changes["ends_at"] = end_of(scheduled_at, duration)
            changes["schedule_version"] = before.schedule_version + 1
        event = Event(
            type=INTERVIEW_RESCHEDULED if rescheduled else INTERVIEW_UPDATED,
            at=now,
            actor=access.actor,
            changes={name: (getattr(before, name), value) for name, value in details.items()},
            reason=reason,
            audience=audience(),
        )
        return event, changes

    def _presented(self, interview: Interview, access: ScopedAccess) -> schemas.Interview:
        return present(interview, access.policy, access.principal.role, member=access.resource.member)


def _check_version(interview: Interview, known: KnownVersions) -> None:
    if known.revs is not None and interview.rev not in known.revs:
        raise PreconditionFailed


def _invalid(old: Status, new: Status, allowed: Sequence[Status]) -> InvalidTransition:
    ways = ", ".join(allowed) or "nothing"
    return InvalidTransition(f"The interview is {old} and can't become {new}; you may bring it to: {ways}")
