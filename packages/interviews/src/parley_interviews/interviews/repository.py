"""Single interviews in MongoDB. Every change is one recorded write whose filter carries its condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from parley_auth import TOUCH, Access, ScopedAccess
from parley_core import Database, Document, Event, Session, insert_all_recorded, record, record_at
from parley_core.data.point_reads import PointReader
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.interviews.title_words import found_by
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.models import UNKNOWN_TIME, UNKNOWN_USER, Interview, Participant, ParticipantRole, Status
from parley_interviews.participants.repository import related_as, relation_of
from parley_interviews.policy import end_of

PROJECTION = {name: True for name in Interview.__dataclass_fields__ if name != "id"}
_STATUSES = {status.value: status for status in Status}


@dataclass(frozen=True)
class NewInterview:
    """An interview that isn't stored yet, with who takes part in it and its first event."""

    interview: Interview
    participants: Sequence[Participant]
    event: Event


class InterviewRepository:
    """Reads and writes single interviews."""

    def __init__(self, database: Database, totals: InterviewTotals) -> None:
        self._interviews = database[INTERVIEWS]
        self._totals = totals
        self._details = PointReader(self._interviews, PROJECTION)
        people = {"participants.user_id": True, "participants.participant_role": True}
        self._with_people = PointReader(self._interviews, {**PROJECTION, **people})

    async def add(self, new: Sequence[NewInterview], session: Session) -> None:
        """Store new interviews with their participants and count them, in the caller's transaction."""
        documents = [(_as_new(one), one.event) for one in new]
        await insert_all_recorded(self._interviews, documents, session=session)
        await self._totals.count(len(new), session)

    async def get(self, interview_id: str) -> Interview | None:
        """Return the interview with this id, None when there is none."""
        found = await self._details.read(interview_id)
        return as_interview(found) if found else None

    async def get_with_people(self, interview_id: str) -> tuple[Interview, Mapping[str, str]] | None:
        """Return the interview with this id and user id -> participant role, None when there is none."""
        found = await self._with_people.read(interview_id)
        return (as_interview(found), _roles(found)) if found else None

    async def seen_by(self, viewer_id: str, interview_id: str) -> tuple[Interview, str] | None:
        """Return an interview and the viewer's relation to it; None when there is none."""
        projection = {**PROJECTION, "participants": {"$elemMatch": {"user_id": viewer_id}}}
        found = await self._interviews.find_one({"_id": interview_id}, projection)
        return (as_interview(found), relation_of(viewer_id, _participants(found))) if found else None

    async def lock(
        self, interview_id: str, states: Iterable[str] | None, session: Session
    ) -> tuple[Status, Mapping[str, str]] | None:
        """Touch the interview inside a transaction, so that it conflicts with every change of it.

        Returns: its status and user id -> participant role; None when it is in none of `states`.
        """
        where: Document = {"_id": interview_id}
        if states is not None:
            where["status"] = {"$in": sorted(states)}
        found = await self._interviews.find_one_and_update(
            where,
            TOUCH,
            projection={"status": True, "participants.user_id": True, "participants.participant_role": True},
            session=session,
        )
        if found is None:
            return None
        return Status(found["status"]), _roles(found)

    async def exists(self, interview_id: str, session: Session) -> bool:
        """Return whether there is such an interview."""
        return await self._interviews.find_one({"_id": interview_id}, {"_id": True}, session=session) is not None

    async def change_details(
        self,
        before: Interview,
        changes: Mapping[str, Any],
        event: Event,
        *,
        by: ScopedAccess,
        session: Session | None = None,
    ) -> Interview | None:
        """Change the details of an interview that is still at the revision at which it was read.

        Args:
            before: the interview as it was read.
            changes: the new values.
            event: the change.
            by: the caller, who must have the relation to the interview that their guard has read.
            session: a transaction.

        Returns: the changed interview; None when it has changed since.
        """
        words = found_by(changes["title"]) if "title" in changes else {}
        where = related_as(by.principal.id, by.resource.relation)
        if session is None:
            return await self._record_at(before, changes, event, where=where, words=words)
        where = {"_id": before.id, "rev": before.rev, **where}
        after = await self._record(where, {**changes, **words}, event, session)
        return as_interview(after) if after else None

    async def change_status(
        self, before: Interview, new: Status, event: Event, *, by: Access, relation: str
    ) -> Interview | None:
        """Bring an interview to another status; cancelling it is a change of its schedule too.

        Args:
            before: the interview as it was read.
            new: the status that it gets.
            event: the change.
            by: the caller.
            relation: theirs to the interview, which they must still have.

        Returns: the changed interview; None when it has changed since.
        """
        version = before.schedule_version + (new is Status.CANCELLED)
        changes = {"status": new, "schedule_version": version}
        return await self._record_at(before, changes, event, where=related_as(by.principal.id, relation))

    async def _record_at(
        self,
        before: Interview,
        changes: Mapping[str, Any],
        event: Event,
        *,
        where: Mapping[str, Any],
        words: Mapping[str, Any] = MappingProxyType({}),
    ) -> Interview | None:
        """Change an interview that is still at the revision at which it was read; return it then, else None."""
        shown = {**changes, "updated_at": event.at}
        is_done = await record_at(self._interviews, before.id, before.rev, {**shown, **words}, event, where=where)
        return replace(before, **shown, rev=before.rev + 1) if is_done else None

    async def _record(
        self, where: Mapping[str, Any], changes: Mapping[str, object], event: Event, session: Session | None = None
    ) -> Document | None:
        return await record(self._interviews, where, {**changes, "updated_at": event.at}, event, session=session)


def as_interview(document: Mapping[str, Any]) -> Interview:
    """Return the interview of a document, with a default for each field that it may lack."""
    return Interview(**fields_of(document))


def fields_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an `Interview` by their names, out of a document as for `as_interview`.

    A list shows them without a model of each interview between.
    """
    scheduled_at = document.get("scheduled_at", UNKNOWN_TIME)
    duration_minutes = document.get("duration_minutes", 60)
    created_at = document.get("created_at", UNKNOWN_TIME)
    return {
        "id": document["_id"],
        "title": document.get("title", ""),
        "interview_type": document.get("interview_type", "unknown"),
        "scheduled_at": scheduled_at,
        "duration_minutes": duration_minutes,
        "time_zone": document.get("time_zone", "UTC"),
        "description": document.get("description"),
        "notes": document.get("notes"),
        "location": document.get("location"),
        "external_id": document.get("external_id"),
        "status": _STATUSES[document["status"]],
        "ends_at": document.get("ends_at") or end_of(scheduled_at, duration_minutes),
        "rev": document["rev"],
        "schedule_version": document.get("schedule_version", 0),
        "created_by": document.get("created_by", UNKNOWN_USER),
        "created_at": created_at,
        "updated_at": document.get("updated_at", created_at),
    }


def _participants(document: Mapping[str, Any]) -> list[Document]:
    return list(document.get("participants", ()))


def _roles(document: Mapping[str, Any]) -> dict[str, str]:
    return {p["user_id"]: p.get("participant_role", ParticipantRole.CANDIDATE) for p in _participants(document)}


def _as_new(new: NewInterview) -> Document:
    document = dict(vars(new.interview))
    document["_id"] = document.pop("id")
    participants = [dict(vars(participant)) for participant in new.participants]
    return {**document, **found_by(new.interview.title), "participants": participants}
