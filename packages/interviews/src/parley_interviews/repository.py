"""Interviews in MongoDB. Every change is one recorded write whose filter carries its condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from parley_core import Database, Document, Event, Expression, Session, insert_recorded, record
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.models import HistoryEntry, Interview, Participant, ParticipantRole, Status
from parley_interviews.policy import MAX_PARTICIPANTS, OPEN, words_of
from parley_interviews.totals import InterviewTotals

_FIELDS = tuple(Interview.__dataclass_fields__)
PROJECTION = {name: True for name in _FIELDS if name != "id"}
_IS_OPEN = {"status": {"$in": sorted(OPEN)}}


class InterviewRepository:
    """Reads and writes single interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]
        self._totals = InterviewTotals(database)

    async def add(
        self, interview: Interview, participants: Iterable[Participant], event: Event, session: Session
    ) -> None:
        """Stores a new interview with its participants and counts it, in the caller's transaction."""
        document = {
            **_stored(interview),
            "title_words": words_of(interview.title),
            "participants": [asdict(participant) for participant in participants],
        }
        await insert_recorded(self._interviews, document, event, session=session)
        await self._totals.count(session)

    async def get(self, interview_id: str) -> Interview | None:
        """The interview with this id."""
        found = await self._interviews.find_one({"_id": interview_id}, PROJECTION)
        return as_interview(found) if found else None

    async def lock(
        self, interview_id: str, states: Iterable[str] | None, session: Session
    ) -> tuple[Status, Mapping[str, str]] | None:
        """Touches the interview inside a transaction; its status and participants, None when no state fits."""
        where: Document = {"_id": interview_id}
        if states is not None:
            where["status"] = {"$in": sorted(states)}
        held = await self._interviews.find_one_and_update(
            where,
            {"$inc": {"holds": 1}},
            projection={"status": True, "participants.user_id": True, "participants.participant_role": True},
            session=session,
        )
        if held is None:
            return None
        return Status(held["status"]), {p["user_id"]: p["participant_role"] for p in held["participants"]}

    async def exists(self, interview_id: str, session: Session) -> bool:
        """Whether there is such an interview."""
        return await self._interviews.find_one({"_id": interview_id}, {"_id": True}, session=session) is not None

    async def change(
        self,
        before: Interview,
        changes: Mapping[str, Any],
        event: Event,
        *,
        member: str | None = None,
        rev: int | None = None,
        session: Session | None = None,
    ) -> Interview | None:
        """Changes an interview of which all that the change was decided on still stands.

        Args:
            before: as it was read; its status and every value that changes must be the same still.
            changes: the new values.
            event: the change.
            member: who must still take part; None for nobody.
            rev: the revision that it must have; None for any.
            session: a transaction.

        Returns: the changed interview; None when a condition no longer holds.
        """
        decided_on = ("status", *changes)
        where: Document = {"_id": before.id, **{name: {"$eq": getattr(before, name)} for name in decided_on}}
        if member is not None:
            where["participants.user_id"] = member
        if rev is not None:
            where["rev"] = rev
        words = {"title_words": words_of(changes["title"])} if "title" in changes else {}
        after = await self._record(where, {**changes, **words}, event, session)
        return as_interview(after) if after else None

    async def add_participant(
        self, interview_id: str, participant: Participant, event: Event, session: Session | None = None
    ) -> bool:
        """Adds somebody to an open interview that has room and that he isn't in; False when it can't be done."""
        where = {
            "_id": interview_id,
            **_IS_OPEN,
            "participants.user_id": {"$ne": participant.user_id},
            f"participants.{MAX_PARTICIPANTS - 1}": {"$exists": False},
        }
        longer = {"$concatArrays": ["$participants", [{"$literal": asdict(participant)}]]}
        return await self._record(where, {"participants": Expression(longer)}, event, session) is not None

    async def remove_participant(
        self, interview_id: str, user_id: str, event: Event, session: Session | None = None
    ) -> bool:
        """Takes somebody off an open interview; False when it can't be done."""
        where = {"_id": interview_id, **_IS_OPEN, "participants.user_id": user_id}
        others = {"$filter": {"input": "$participants", "cond": {"$ne": ["$$this.user_id", {"$literal": user_id}]}}}
        return await self._record(where, {"participants": Expression(others)}, event, session) is not None

    async def participants(self, interview_id: str) -> list[Participant]:
        """Everybody who takes part, in the order in which they were added."""
        found = await self._interviews.find_one({"_id": interview_id}, {"participants": True})
        return [_as_participant(p) for p in found["participants"]] if found else []

    async def history(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[HistoryEntry], int]:
        """A page of the interview's changes, oldest first, and how many there are."""
        pipeline: Sequence[Document] = [
            {"$match": {"_id": interview_id}},
            {"$project": {"total": {"$size": "$history"}, "page": {"$slice": ["$history", offset, limit]}}},
        ]
        cursor = await self._interviews.aggregate(pipeline)
        [found] = await cursor.to_list() or [{"page": [], "total": 0}]
        return [_as_entry(entry) for entry in found["page"]], int(found["total"])

    async def _record(
        self, where: Mapping[str, Any], changes: Mapping[str, object], event: Event, session: Session | None
    ) -> Document | None:
        return await record(self._interviews, where, {**changes, "updated_at": event.at}, event, session=session)


def audience(*others: str) -> Expression:
    """Everybody who takes part before the change, and `others`."""
    return Expression({"$setUnion": ["$participants.user_id", [{"$literal": other} for other in others]]})


def as_interview(document: Mapping[str, Any]) -> Interview:
    """The interview of a document with the fields of `PROJECTION`."""
    fields = {name: document["_id" if name == "id" else name] for name in _FIELDS}
    return Interview(**{**fields, "status": Status(fields["status"])})


def _stored(interview: Interview) -> Document:
    document = asdict(interview)
    document["_id"] = document.pop("id")
    return document


def _as_participant(document: Mapping[str, Any]) -> Participant:
    return Participant(**{**document, "participant_role": ParticipantRole(document["participant_role"])})


def _as_entry(document: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(**{name: document[name] for name in HistoryEntry.__dataclass_fields__})
