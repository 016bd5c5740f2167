"""The rules of interviews."""

from collections.abc import Mapping, Sequence
from typing import Any

from parley_auth import Access, ScopedAccess
from parley_core import Clock, Event, Parley, in_transaction, new_id
from parley_interviews import schemas
from parley_interviews.assignment import Assignments
from parley_interviews.errors import InterviewClosed, InterviewNotFound, InvalidTransition
from parley_interviews.events import INTERVIEW_CREATED, INTERVIEW_RESCHEDULED, INTERVIEW_UPDATED, told
from parley_interviews.models import HistoryEntry, Interview, Participant, Status
from parley_interviews.policy import (
    OPEN,
    SCHEDULE_FIELDS,
    TRANSITIONS,
    changed_details,
    consequences,
    details_of,
    end_of,
)
from parley_interviews.presentation import present
from parley_interviews.repository import InterviewRepository, audience
from parley_interviews.versions import KnownVersions


class InterviewService:
    """Plans interviews and leads them through their life.

    A change is decided on what was read and written on the condition that this still stands; otherwise it is
    decided anew. Each round that one caller loses is another's success, and a request's time bounds them all.
    """

    def __init__(self, parley: Parley) -> None:
        self._client = parley.client
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
            changes=_as_planned(interview, participants),
            audience=tuple(p.user_id for p in participants),
        )
        await in_transaction(
            self._client, lambda session: self._interviews.add(interview, participants, event, session)
        )
        return present(interview, access, member=any(p.user_id == access.principal.id for p in participants))

    async def get(self, access: ScopedAccess) -> schemas.Interview:
        """The interview as the caller sees it."""
        return _shown(await self._read(access), access)

    async def update(
        self, access: ScopedAccess, wanted: schemas.InterviewUpdate, known: KnownVersions
    ) -> schemas.Interview:
        """Changes details; a changed time, duration or zone is a reschedule.

        Raises:
            InterviewClosed: the interview is completed or cancelled.
            PreconditionFailed: If-Match names another version.
            HistoryFull: the interview has changed too often.
        """
        while True:
            before = await self._read(access)
            # Closed for everybody, so If-Match isn't looked at (RFC 9110, 13.2.1).
            if before.status not in OPEN:
                raise InterviewClosed
            rev = known.require(shown := _shown(before, access))
            if not (details := changed_details(before, wanted.given())):
                return shown
            event = self._update_event(before, details, access, wanted.reason)
            changes = details | consequences(before, details)
            if after := await self._interviews.change(before, changes, event, rev=rev):
                return _shown(after, access)

    async def transition(
        self, access: ScopedAccess, wanted: schemas.StatusChange, known: KnownVersions
    ) -> schemas.Interview:
        """Brings the interview to another status.

        Raises:
            PermissionDenied: the caller's role may never bring an interview there.
            PreconditionFailed: If-Match names another version.
            InvalidTransition: it can't go there from where it is.
            NotAParticipant: the caller needs to take part and meanwhile doesn't.
            HistoryFull: the interview has changed too often.
        """
        if transition := TRANSITIONS.get(wanted.status):
            access.require(transition.action)
        while True:
            before = await self._read(access)
            rev = known.require(shown := _shown(before, access))
            if transition is None or wanted.status not in shown.allowed_transitions:
                raise _invalid(before.status, wanted.status, shown.allowed_transitions)
            event = Event(
                type=transition.event,
                at=self._clock(),
                actor=access.actor,
                changes={"status": (before.status, wanted.status)},
                reason=wanted.reason,
                audience=audience(),
            )
            member = access.principal.id if access.needs_membership(transition.action) else None
            changes = _status_changes(before, wanted.status)
            if after := await self._interviews.change(before, changes, event, rev=rev, member=member):
                return _shown(after, access)
            await access.recheck(transition.action)

    async def history(self, access: ScopedAccess, *, limit: int, offset: int) -> tuple[list[HistoryEntry], int]:
        """A page of what happened to the interview, oldest first, and how many entries there are."""
        return await self._interviews.history(access.resource.id, limit=limit, offset=offset)

    async def _read(self, access: ScopedAccess) -> Interview:
        if (interview := await self._interviews.get(access.resource.id)) is None:
            raise InterviewNotFound
        return interview

    def _update_event(
        self, before: Interview, details: Mapping[str, object], access: ScopedAccess, reason: str | None
    ) -> Event:
        return Event(
            type=INTERVIEW_RESCHEDULED if SCHEDULE_FIELDS & details.keys() else INTERVIEW_UPDATED,
            at=self._clock(),
            actor=access.actor,
            changes={name: (getattr(before, name), value) for name, value in details.items()},
            reason=reason,
            audience=audience(),
        )


def _shown(interview: Interview, access: ScopedAccess) -> schemas.Interview:
    return present(interview, access, member=access.resource.member)


def _as_planned(interview: Interview, participants: Sequence[Participant]) -> dict[str, tuple[None, object]]:
    planned = {**details_of(interview), "participants": [told(p) for p in participants]}
    return {name: (None, value) for name, value in planned.items() if value not in (None, [])}


def _status_changes(before: Interview, status: Status) -> dict[str, Any]:
    cancelled = {"schedule_version": before.schedule_version + 1} if status is Status.CANCELLED else {}
    return {"status": status, **cancelled}


def _invalid(old: Status, new: Status, allowed: Sequence[Status]) -> InvalidTransition:
    ways = ", ".join(allowed) or "nothing"
    return InvalidTransition(f"The interview is {old} and can't become {new}; you may bring it to: {ways}")
