"""The rules of single interviews."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from parley_auth import OUTSIDER, ScopedAccess
from parley_core import Clock, Event, EventType, Session
from parley_interviews.claims import external_ids
from parley_interviews.claims.repository import ClaimRepository
from parley_interviews.errors import InterviewClosed, InterviewNotFound, InvalidTransition
from parley_interviews.events import (
    INTERVIEW_RESCHEDULED,
    INTERVIEW_UPDATED,
)
from parley_interviews.interviews import schemas
from parley_interviews.interviews.preconditions import IfMatch
from parley_interviews.interviews.presentation import InterviewPresenter, Shown
from parley_interviews.interviews.repository import InterviewRepository
from parley_interviews.models import Interview, Status
from parley_interviews.policy import (
    OPEN,
    TRANSITIONS,
    UPDATE,
    changed_details,
    consequences,
    moving,
    recorded,
)
from parley_interviews.scheduling.bookings import Bookings
from parley_interviews.scheduling.overlaps import Busy, as_change


class InterviewService:
    """Shows interviews, changes them and leads them through their lifecycle.

    A change is decided on what was read, and written on the condition that this is still true; otherwise it is
    decided again. Each round that one caller loses is another's success, and a request's time limits them all.
    """

    def __init__(
        self,
        *,
        interviews: InterviewRepository,
        claims: ClaimRepository,
        bookings: Bookings,
        presenter: InterviewPresenter,
        clock: Clock,
    ) -> None:
        self._interviews = interviews
        self._claims = claims
        self._bookings = bookings
        self._presenter = presenter
        self._clock = clock

    async def get(self, access: ScopedAccess) -> Shown:
        """Return the interview as the caller sees it."""
        return self._shown(await self._read(access), access)

    async def update(self, access: ScopedAccess, wanted: schemas.InterviewUpdate, if_match: IfMatch) -> Shown:
        """Change details; another time, duration or time zone is a reschedule.

        Raises:
            InterviewClosed: the interview is completed or cancelled.
            PreconditionFailed: If-Match names another version.
            PermissionDenied: meanwhile the caller has become the interview's candidate.
            ScheduleConflict: somebody is busy at its new time, and overlaps are refused.
            DuplicateExternalId: another interview has the new external id.
        """
        while True:
            before, people = await self._read_with_people(access)
            if people.get(access.principal.id, OUTSIDER) != access.resource.relation:
                # Whatever is said of this revision, the caller must have been allowed to change it.
                access = replace(access, resource=await access.recheck(UPDATE))
                continue
            # Closed for everybody, so If-Match isn't looked at (RFC 9110, 13.2.1).
            if before.status not in OPEN:
                raise InterviewClosed
            shown = self._shown(before, access)
            if_match.require(shown.etag)
            if not (details := changed_details(before, wanted.given())):
                return shown
            if changed := await self._changed(before, people, details, access, wanted):
                return changed
            access = replace(access, resource=await access.recheck(UPDATE))

    async def transition(self, access: ScopedAccess, wanted: schemas.StatusChange, if_match: IfMatch) -> Shown:
        """Bring the interview to another status, decided on what the guard has read.

        Raises:
            PermissionDenied: the caller's role may never bring an interview there.
            PreconditionFailed: If-Match names another version.
            InvalidTransition: the present status doesn't allow it.
            NotAParticipant, PermissionDenied: meanwhile the caller takes part as somebody else or not at all.
        """
        if transition := TRANSITIONS.get(wanted.status):
            access.require(transition.action)
        resource = access.resource
        while True:
            status = Status(resource.state)
            view = self._presenter.view(access, resource.relation, status)
            if_match.require(view.etag(resource.validator))
            if transition is None or wanted.status not in view.transitions:
                raise _invalid(status, wanted.status, view.transitions)
            before, people = await self._read_with_people(access)
            if before.rev == resource.validator:
                event = self._status_event(transition.event, status, wanted, access, audience=list(people))
                after = await self._interviews.change_status(
                    before, wanted.status, event, by=access, relation=resource.relation
                )
                if after:
                    return self._presenter.present(after, access, resource.relation)
            resource = await access.recheck(transition.action)

    async def _read(self, access: ScopedAccess) -> Interview:
        if (interview := await self._interviews.get(access.resource.id)) is None:
            raise InterviewNotFound
        return interview

    async def _read_with_people(self, access: ScopedAccess) -> tuple[Interview, Mapping[str, str]]:
        if (found := await self._interviews.get_with_people(access.resource.id)) is None:
            raise InterviewNotFound
        return found

    async def _changed(
        self,
        before: Interview,
        people: Collection[str],
        details: dict[str, Any],
        access: ScopedAccess,
        wanted: schemas.InterviewUpdate,
    ) -> Shown | None:
        """Change an interview that is still as it was read, and return it; else None."""
        changes = details | consequences(before, details)
        # Whoever comes or leaves meanwhile changes the revision, on which the write depends.
        places = dict.fromkeys(people, f"#/{field}") if (field := moving(details)) else {}
        refuse = self._bookings.refuse(wanted.on_conflict)

        async def work(session: Session | None = None) -> Shown | None:
            moved = replace(before, **changes)
            conflicts = await self._bookings.conflicts(moved, places, refuse=refuse, session=session)
            event = self._update_event(before, changes, conflicts, access, wanted.reason, audience=list(people))
            after = await self._interviews.change_details(before, changes, event, by=access, session=session)
            if after and session:
                await external_ids.exchange(self._claims, before, after, at=event.at, session=session)
            return replace(self._shown(after, access), conflicts=len(conflicts)) if after else None

        in_turn = refuse and bool(places)
        return await (self._bookings.written(work, in_turn=in_turn) if in_turn or "external_id" in details else work())

    def _shown(self, interview: Interview, access: ScopedAccess) -> Shown:
        return self._presenter.present(interview, access, access.resource.relation)

    def _update_event(
        self,
        before: Interview,
        changes: Mapping[str, object],
        conflicts: Sequence[Busy],
        access: ScopedAccess,
        reason: str | None,
        *,
        audience: Sequence[str],
    ) -> Event:
        return Event(
            type=INTERVIEW_RESCHEDULED if moving(changes) else INTERVIEW_UPDATED,
            at=self._clock(),
            actor=access.actor,
            changes=recorded(before, changes) | as_change(conflicts),
            reason=reason,
            audience=audience,
        )

    def _status_event(
        self,
        type_: EventType,
        old: Status,
        wanted: schemas.StatusChange,
        access: ScopedAccess,
        *,
        audience: Sequence[str],
    ) -> Event:
        return Event(
            type=type_,
            at=self._clock(),
            actor=access.actor,
            changes={"status": (old, wanted.status)},
            reason=wanted.reason,
            audience=audience,
        )


def _invalid(old: Status, new: Status, allowed: Sequence[Status]) -> InvalidTransition:
    targets = ", ".join(allowed) or "nothing"
    return InvalidTransition(f"The interview is {old} and can't become {new}; you may bring it to: {targets}")
