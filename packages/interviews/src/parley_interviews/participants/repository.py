"""The participants of interviews in MongoDB: they are embedded in the interview, and every change is recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from parley_auth import OUTSIDER, ScopedAccess
from parley_core import Database, Document, Event, Expression, Session, record, record_at
from parley_core.data.point_reads import PointReader
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.models import (
    UNKNOWN_TIME,
    UNKNOWN_USER,
    Participant,
    ParticipantRole,
    Participants,
    Status,
)
from parley_interviews.policy import MAX_PARTICIPANTS, OPEN
from parley_interviews.scheduling.repository import SPAN, span_of

_READ = {"rev": True, "status": True, "schedule_version": True, "participants": True, **SPAN}
# What MongoDB stores is no finer.
_INSTANT = timedelta(milliseconds=1)
_PRESENT = {"$ifNull": ["$participants", []]}


class ParticipantRepository:
    """Reads and writes who takes part in interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]
        self._reader = PointReader(self._interviews, _READ)

    async def add(
        self,
        interview: Participants,
        participant: Participant,
        event: Event,
        *,
        by: ScopedAccess,
        session: Session | None = None,
    ) -> Participant | None:
        """Add a participant to an open interview that has room and that they aren't in.

        Returns: the participant, added later than everybody before them, also where a concurrent request began later
            and was done earlier: lists are in this order. None when it wasn't done.

        Args:
            interview: as it was read; its schedule must still be the same.
            participant: whom to add.
            event: the change.
            by: the caller, who must have the relation to the interview that their guard has read.
            session: a transaction.
        """
        if session is None and (added := await self._add_at(interview, participant, event, by=by)):
            return added
        where = {
            **_open(interview.id),
            "$and": [_still_related(by), _scheduled_as(interview)],
            "participants.user_id": {"$ne": participant.user_id},
            f"participants.{MAX_PARTICIPANTS - 1}": {"$exists": False},
        }
        later = {"$max": [{"$literal": participant.added_at}, {"$add": [{"$max": "$participants.added_at"}, 1]}]}
        last = {"$mergeObjects": [{"$literal": asdict(participant)}, {"added_at": later}]}
        document = await self._record(where, {"$concatArrays": [_PRESENT, [last]]}, event, session)
        return as_participant(document["participants"][-1]) if document else None

    async def _add_at(
        self, interview: Participants, participant: Participant, event: Event, *, by: ScopedAccess
    ) -> Participant | None:
        """Add a participant as `add` does, unless the interview has changed since it was read."""
        latest = max((present.added_at for present in interview.present), default=UNKNOWN_TIME)
        added = replace(participant, added_at=max(participant.added_at, latest + _INSTANT))
        is_done = await record_at(
            self._interviews,
            interview.id,
            interview.rev,
            {"updated_at": event.at},
            replace(event, audience=sorted({added.user_id, *(present.user_id for present in interview.present)})),
            where=_still_related(by),
            appended={"participants": asdict(added)},
        )
        return added if is_done else None

    async def remove(
        self,
        interview_id: str,
        participant: Participant,
        event: Event,
        *,
        by: ScopedAccess,
        session: Session | None = None,
    ) -> bool:
        """Remove somebody who takes part in an open interview in this role; return whether it was done; see `add`."""
        as_read = related_as(participant.user_id, participant.participant_role)
        where = {**_open(interview_id), "$and": [_still_related(by), as_read]}
        is_other = {"$ne": ["$$this.user_id", {"$literal": participant.user_id}]}
        others = {"$filter": {"input": "$participants", "cond": is_other}}
        return await self._record(where, others, event, session) is not None

    async def of(self, interview_id: str, session: Session | None = None) -> Participants | None:
        """Return who takes part in an interview; None when there is none."""
        if session is None:
            found = await self._reader.read(interview_id)
        else:
            found = await self._interviews.find_one({"_id": interview_id}, _READ, session=session)
        if found is None:
            return None
        begin, end = span_of(found)
        return Participants(
            id=interview_id,
            rev=found["rev"],
            status=Status(found["status"]),
            schedule_version=found.get("schedule_version", 0),
            scheduled_at=begin,
            ends_at=end,
            present=tuple(as_participant(p) for p in found.get("participants", ())),
        )

    async def _record(
        self, where: Document, participants: Document, event: Event, session: Session | None
    ) -> Document | None:
        changes = {"participants": Expression(participants), "updated_at": event.at}
        return await record(self._interviews, where, changes, event, session=session)


def _open(interview_id: str) -> Document:
    return {"_id": interview_id, "status": {"$in": sorted(OPEN)}}


def _scheduled_as(interview: Participants) -> Document:
    # None also stands for a version that a stored interview lacks.
    version = interview.schedule_version
    return {"schedule_version": {"$in": [version] if version else [version, None]}}


def _still_related(caller: ScopedAccess) -> Document:
    return related_as(caller.principal.id, caller.resource.relation)


def relation_of(user_id: str, participants: Iterable[Mapping[str, Any]]) -> str:
    """Return as what a user takes part, by the stored participants of an interview."""
    for participant in participants:
        if participant["user_id"] == user_id:
            return str(participant.get("participant_role", ParticipantRole.CANDIDATE))
    return OUTSIDER


def related_as(user_id: str, relation: str) -> Document:
    """Return the filter for interviews to which a user has this relation."""
    if relation == OUTSIDER:
        return {"participants.user_id": {"$ne": user_id}}
    # None also stands for a role that a stored participant lacks.
    roles = [relation, None] if relation == ParticipantRole.CANDIDATE else [relation]
    return {"participants": {"$elemMatch": {"user_id": user_id, "participant_role": {"$in": roles}}}}


def as_participant(document: Mapping[str, Any]) -> Participant:
    """Return the participant of a document, with a default for each field that it may lack."""
    return Participant(
        user_id=document["user_id"],
        participant_role=ParticipantRole(document.get("participant_role", ParticipantRole.CANDIDATE)),
        added_by=document.get("added_by", UNKNOWN_USER),
        added_at=document.get("added_at", UNKNOWN_TIME),
    )
