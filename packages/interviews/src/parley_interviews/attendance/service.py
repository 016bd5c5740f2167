"""The rules of attendance: who answers and marks what, and when."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from parley_auth import ScopedAccess
from parley_core import Clock, Database, Event, EventType, Session, in_transaction
from parley_interviews.attendance import schemas
from parley_interviews.attendance.models import Attendance, Mark, PersonAttendance, Rsvp
from parley_interviews.attendance.policy import action_of_marking, changed_answer, counts, has_begun
from parley_interviews.attendance.presentation import attendance_shown_to, person_shown_to
from parley_interviews.attendance.repository import AttendanceRepository
from parley_interviews.errors import InterviewNotFound, ParticipantNotFound, ScheduleChanged, TooEarly
from parley_interviews.events import ATTENDANCE_ANSWERED, ATTENDANCE_MARKED, participant_entry
from parley_interviews.policy import ANSWER

_Write = Callable[[Session], Awaitable[tuple[Attendance, PersonAttendance]]]


class AttendanceService:
    """Keeps who is coming to interviews, and who came.

    A write is one transaction that locks the interview and reads it: a move, a change of status or a removal comes
    before it or after it, never between what was read and what is written. The lock is first, because whatever is
    written between a transaction's first read and its lock makes it begin again: on a busy interview for seconds.
    What changes nothing is no write.
    """

    def __init__(self, *, database: Database, attendances: AttendanceRepository, clock: Clock) -> None:
        self._database = database
        self._attendances = attendances
        self._clock = clock

    async def read(self, access: ScopedAccess) -> schemas.Attendance:
        """Return everybody who takes part, with their answers and marks as the caller sees them, all of one instant."""
        attendance = await in_transaction(self._database.client, lambda session: self._read(access, session))
        return attendance_shown_to(access, attendance)

    async def answer(self, access: ScopedAccess, wanted: schemas.Rsvp) -> schemas.PersonAttendance:
        """Set the caller's answer to the present schedule.

        Raises:
            InterviewClosed: the interview is completed or cancelled.
            ScheduleChanged: the answer is for another version of the schedule.
            NotAParticipant: meanwhile the caller was removed.
        """

        async def work(session: Session) -> tuple[Attendance, PersonAttendance]:
            await access.lock(session, ANSWER)
            before = await self._read(access, session)
            if wanted.schedule_version != before.schedule_version:
                raise ScheduleChanged
            return before, await self._answered(before, wanted, access, session)

        return await self._shown(access, work)

    async def mark(
        self, access: ScopedAccess, user_id: str, wanted: schemas.AttendanceMark
    ) -> schemas.PersonAttendance:
        """Mark whether somebody came.

        Raises:
            PermissionDenied: an interviewer would mark an interviewer.
            InterviewClosed: the interview is cancelled.
            ParticipantNotFound: this user doesn't take part.
            TooEarly: the interview's time hasn't come, and nobody has started it.
        """
        expected = action_of_marking((await self._read(access)).person(user_id))
        access.require(expected)

        async def work(session: Session) -> tuple[Attendance, PersonAttendance]:
            await access.lock(session, expected)
            before = await self._read(access, session)
            action = action_of_marking(before.person(user_id))
            if action != expected:
                access.require(action)
                await access.lock(session, action)
            person = _taking_part(before, user_id)
            return before, await self._marked(before, person, wanted, access, session)

        return await self._shown(access, work)

    async def _answered(
        self, before: Attendance, wanted: schemas.Rsvp, access: ScopedAccess, session: Session
    ) -> PersonAttendance:
        person = _taking_part(before, access.principal.id)
        changes = changed_answer(person.rsvp, vars(wanted))
        if not changes:
            return person
        changed = replace(person, rsvp=Rsvp(**vars(wanted), answered_at=self._clock()))
        event = self._event(ATTENDANCE_ANSWERED, before, changed, changes, access)
        await self._attendances.save(before, changed, event, session)
        return changed

    async def _marked(
        self,
        before: Attendance,
        person: PersonAttendance,
        wanted: schemas.AttendanceMark,
        access: ScopedAccess,
        session: Session,
    ) -> PersonAttendance:
        if not has_begun(before, now := self._clock()):
            raise TooEarly
        old = person.mark if person.mark and counts(before, person.mark) else None
        if old and (old.attended, old.reason) == (wanted.attended, wanted.reason):
            return person
        new = Mark(**vars(wanted), scheduled_at=before.scheduled_at, marked_by=access.principal.id, marked_at=now)
        changed = replace(person, mark=new)
        changes = {"attended": (old.attended if old else None, new.attended)}
        event = replace(self._event(ATTENDANCE_MARKED, before, changed, changes, access), reason=wanted.reason)
        await self._attendances.save(before, changed, event, session)
        return changed

    def _event(
        self,
        type_: EventType,
        before: Attendance,
        person: PersonAttendance,
        changes: Mapping[str, tuple[object, object]],
        access: ScopedAccess,
    ) -> Event:
        return Event(
            type=type_,
            at=self._clock(),
            actor=access.actor,
            changes={"participant": (None, participant_entry(person.participant)), **changes},
            audience=tuple(person.participant.user_id for person in before.people),
        )

    async def _shown(self, access: ScopedAccess, write: _Write) -> schemas.PersonAttendance:
        attendance, person = await in_transaction(self._database.client, write)
        return person_shown_to(access, person, attendance)

    async def _read(self, access: ScopedAccess, session: Session | None = None) -> Attendance:
        if (attendance := await self._attendances.of(access.resource.id, session)) is None:
            raise InterviewNotFound
        return attendance


def _taking_part(attendance: Attendance, user_id: str) -> PersonAttendance:
    if (person := attendance.person(user_id)) is None:
        raise ParticipantNotFound
    return person
