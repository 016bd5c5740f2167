"""Answers and marks in MongoDB: one recorded document for each interview, with an entry for each person.

An entry belongs to a participation: whoever is removed and added again is asked again. Entries of those who have left
are gone with the next write, so that a document has at most as many as an interview has participants.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from parley_core import Database, Document, Event, Session, insert_recorded, record
from parley_interviews.attendance.models import Answer, Attendance, Attended, Mark, PersonAttendance, Rsvp
from parley_interviews.indexes import ATTENDANCES, INTERVIEWS
from parley_interviews.models import UNKNOWN_TIME, UNKNOWN_USER, Participant, Status
from parley_interviews.participants.repository import as_participant

_INTERVIEW = {"status": True, "scheduled_at": True, "schedule_version": True, "participants": True}
_ATTENDANCE = {"people": True, "rev": True}


class AttendanceRepository:
    """Reads and writes who is coming to interviews, and who came."""

    def __init__(self, database: Database) -> None:
        self._attendances = database[ATTENDANCES]
        self._interviews = database[INTERVIEWS]

    async def of(self, interview_id: str, session: Session | None = None) -> Attendance | None:
        """Return the attendance of an interview; None when there is none."""
        interview = await self._interviews.find_one({"_id": interview_id}, _INTERVIEW, session=session)
        if interview is None:
            return None
        stored = await self._attendances.find_one({"_id": interview_id}, _ATTENDANCE, session=session) or {}
        entries = {entry["user_id"]: entry for entry in stored.get("people", ())}
        present = map(as_participant, interview.get("participants", ()))
        return Attendance(
            interview_id=interview_id,
            status=Status(interview["status"]),
            scheduled_at=interview.get("scheduled_at", UNKNOWN_TIME),
            schedule_version=interview.get("schedule_version", 0),
            people=[_as_person(participant, entries.get(participant.user_id)) for participant in present],
            rev=stored.get("rev", 0),
        )

    async def save(self, before: Attendance, changed: PersonAttendance, event: Event, session: Session) -> None:
        """Store a person's changed answer or mark, in the transaction that has locked the interview and read it."""
        people = [_stored(person) for person in before.with_person(changed) if person.rsvp or person.mark]
        if before.rev:
            where = {"_id": before.interview_id}
            await record(self._attendances, where, {"people": people}, event, session=session)
        else:
            document = {"_id": before.interview_id, "people": people}
            await insert_recorded(self._attendances, document, event, session=session)


def _stored(person: PersonAttendance) -> Document:
    return {
        "user_id": person.participant.user_id,
        "added_at": person.participant.added_at,
        "rsvp": asdict(person.rsvp) if person.rsvp else None,
        "mark": asdict(person.mark) if person.mark else None,
    }


def _as_person(participant: Participant, entry: Mapping[str, Any] | None) -> PersonAttendance:
    if entry is None or entry.get("added_at") != participant.added_at:
        return PersonAttendance(participant)
    return PersonAttendance(participant, _as_rsvp(entry.get("rsvp")), _as_mark(entry.get("mark")))


def _as_rsvp(stored: Mapping[str, Any] | None) -> Rsvp | None:
    if stored is None:
        return None
    return Rsvp(
        answer=Answer(stored["answer"]),
        comment=stored.get("comment"),
        schedule_version=stored.get("schedule_version", 0),
        answered_at=stored.get("answered_at", UNKNOWN_TIME),
    )


def _as_mark(stored: Mapping[str, Any] | None) -> Mark | None:
    if stored is None:
        return None
    return Mark(
        attended=Attended(stored["attended"]),
        reason=stored.get("reason"),
        scheduled_at=stored.get("scheduled_at", UNKNOWN_TIME),
        marked_by=stored.get("marked_by", UNKNOWN_USER),
        marked_at=stored.get("marked_at", UNKNOWN_TIME),
    )
