"""Appointments in MongoDB: read fresh, without what no calendar shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from parley_core import Database, Document
from parley_interviews.appointments.models import Appointment
from parley_interviews.indexes import INTERVIEWS, PARTICIPANT_SCHEDULE
from parley_interviews.interviews.repository import as_interview
from parley_interviews.models import Status

_SHOWN = tuple(Appointment.__dataclass_fields__)
_PROJECTION = {**{name: True for name in _SHOWN if name != "id"}, "duration_minutes": True, "rev": True}


class AppointmentReader:
    """Reads interviews as appointments; whether somebody may see one is the caller's to ask."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]

    async def get(self, interview_id: str) -> Appointment | None:
        """Return the appointment of the interview with this id, None when there is none."""
        found = await self._interviews.find_one({"_id": interview_id}, _PROJECTION)
        return _appointment_of(found) if found else None

    async def around(
        self, user_id: str, now: datetime, *, begin: datetime, end: datetime, cancelled_since: datetime, limit: int
    ) -> Sequence[Appointment]:
        """Return the appointments of one participant, in the order of their begin.

        Args:
            user_id: whose.
            now: where the way through them starts: what comes from then on is returned first of all.
            begin: the earliest time at which one is scheduled.
            end: the time before which it is scheduled.
            cancelled_since: cancelled ones that were last changed before are left out.
            limit: how many at most; the oldest of those that have begun are left out first.
        """
        condition = _condition(user_id, cancelled_since)
        coming = await self._read(condition, {"$gte": now, "$lt": end}, direction=1, limit=limit)
        if len(coming) == limit:
            return coming
        past = await self._read(condition, {"$gte": begin, "$lt": now}, direction=-1, limit=limit - len(coming))
        return [*reversed(past), *coming]

    async def _read(
        self, condition: Document, scheduled_at: Document, *, direction: int, limit: int
    ) -> Sequence[Appointment]:
        found = self._interviews.find({**condition, "scheduled_at": scheduled_at}, _PROJECTION)
        ordered = found.sort([("scheduled_at", direction), ("_id", direction)])
        # Left to itself the planner may merge one index for each alternative, and sort afterwards.
        documents = await ordered.hint(PARTICIPANT_SCHEDULE).limit(limit).to_list()
        return [_appointment_of(document) for document in documents]


def _condition(user_id: str, cancelled_since: datetime) -> Document:
    shown: list[Document] = [{"status": {"$ne": Status.CANCELLED}}, {"updated_at": {"$gte": cancelled_since}}]
    return {"participants.user_id": {"$eq": user_id}, "$or": shown}


def _appointment_of(document: Mapping[str, Any]) -> Appointment:
    """Return the appointment of a document, with the defaults that interviews have for missing fields."""
    interview = as_interview(document)
    return Appointment(**{name: getattr(interview, name) for name in _SHOWN})
