"""Interviews in MongoDB. Every change is one recorded write whose filter carries its condition."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from parley_core import Database, Document, Event, Expression, Session, first_recorded, record
from parley_core.sorting import Cursor, Sort, behind

from parley_interviews.indexes import INDEX_OF_SORT, INTERVIEWS
from parley_interviews.models import HistoryEntry, Interview, Participant, ParticipantRole, Status
from parley_interviews.policy import MAX_PARTICIPANTS, OPEN, words_of

_FIELDS = tuple(Interview.__dataclass_fields__)
_PROJECTION = {name: True for name in _FIELDS if name != "id"}
_IS_OPEN = {"status": {"$in": sorted(OPEN)}}


class InterviewRepository:
    """Reads and writes interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]

    async def add(self, interview: Interview, participants: Iterable[Participant], event: Event) -> None:
        """Stores a new interview with its participants."""
        document = {
            **_stored(interview),
            "title_words": words_of(interview.title),
            "participants": [asdict(participant) for participant in participants],
        }
        await self._interviews.insert_one(first_recorded(document, event))

    async def get(self, interview_id: str) -> Interview | None:
        """The interview with this id."""
        return _interview(await self._interviews.find_one({"_id": interview_id}, _PROJECTION))

    async def access(self, interview_id: str, user_id: str) -> Document | None:
        """What a guard needs: `status`, `rev`, and in `participants` the user's own entry if there is one."""
        mine = {"$elemMatch": {"user_id": user_id}}
        return await self._interviews.find_one(
            {"_id": interview_id}, {"status": True, "rev": True, "participants": mine}
        )

    async def hold(
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

    async def page(
        self, where: Mapping[str, Any], sort: Sort, *, viewer_id: str, limit: int, offset: int, cursor: Cursor | None
    ) -> tuple[list[tuple[Interview, bool]], int]:
        """A page of the interviews that meet `where`, each with whether the viewer takes part, and their total."""
        projection = {**_PROJECTION, "participants": {"$elemMatch": {"user_id": viewer_id}}}
        narrowed = {"$and": [where, behind(cursor)]} if cursor else where
        found = self._interviews.find(narrowed, projection).sort(list(sort.keys)).limit(limit)
        found = found.skip(0 if cursor else offset)
        if not narrowed:
            found = found.hint(INDEX_OF_SORT[sort.keys[0][0]])
        documents, total = await asyncio.gather(found.to_list(), self._interviews.count_documents(where))
        return [(_as_interview(d), bool(d.get("participants"))) for d in documents], total

    async def update(
        self, before: Interview, changes: Mapping[str, object], event: Event, *, revs: Sequence[int] | None
    ) -> Interview | None:
        """Changes details of an open interview, provided that those read together are still what `before` says.

        Args:
            before: the interview as the change was decided on.
            changes: the new values, derived fields included.
            event: the change.
            revs: the revisions that the caller knows, from If-Match; None for any.

        Returns: the changed interview; None when the condition no longer holds.
        """
        conditions = {name: {"$eq": getattr(before, name)} for name in changes if name in _FIELDS}
        conditions.pop("updated_at", None)
        where = {"_id": before.id, **conditions, **_IS_OPEN, **_rev_in(revs)}
        if isinstance(title := changes.get("title"), str):
            changes = {**changes, "title_words": words_of(title)}
        return await self._record(where, changes, event)

    async def transition(
        self,
        before: Interview,
        changes: Mapping[str, object],
        event: Event,
        *,
        participant: str | None,
        revs: Sequence[int] | None,
    ) -> Interview | None:
        """Changes the status of an interview that still has the one it had, and in which `participant` still takes part."""
        where = {"_id": before.id, "status": before.status, **_rev_in(revs)}
        if participant is not None:
            where["participants.user_id"] = participant
        return await self._record(where, changes, event)

    async def add_participant(self, interview_id: str, participant: Participant, event: Event) -> bool:
        """Adds somebody to an open interview that has room and that he isn't in; False when it can't be done."""
        where = {
            "_id": interview_id,
            **_IS_OPEN,
            "participants.user_id": {"$ne": participant.user_id},
            f"participants.{MAX_PARTICIPANTS - 1}": {"$exists": False},
        }
        longer = {"$concatArrays": ["$participants", [{"$literal": asdict(participant)}]]}
        changes = {"participants": Expression(longer), "updated_at": event.at}
        return await record(self._interviews, where, changes, event) is not None

    async def remove_participant(self, interview_id: str, user_id: str, event: Event) -> bool:
        """Takes somebody off an open interview; False when it can't be done."""
        where = {"_id": interview_id, **_IS_OPEN, "participants.user_id": user_id}
        others = {"$filter": {"input": "$participants", "cond": {"$ne": ["$$this.user_id", {"$literal": user_id}]}}}
        changes = {"participants": Expression(others), "updated_at": event.at}
        return await record(self._interviews, where, changes, event) is not None

    async def participants(self, interview_id: str) -> list[Participant]:
        """Everybody who takes part, in the order in which they were added."""
        found = await self._interviews.find_one({"_id": interview_id}, {"participants": True})
        return [_as_participant(p) for p in found["participants"]] if found else []

    async def history(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[HistoryEntry], int]:
        """A page of the interview's changes, oldest first, and how many there are."""
        pipeline = [
            {"$match": {"_id": interview_id}},
            {"$project": {"total": {"$size": "$history"}, "page": {"$slice": ["$history", offset, limit]}}},
        ]
        cursor = await self._interviews.aggregate(pipeline)
        found = await cursor.to_list()
        entries = found[0]["page"] if found else []
        return [_as_entry(entry) for entry in entries], found[0]["total"] if found else 0

    async def _record(self, where: Mapping[str, Any], changes: Mapping[str, object], event: Event) -> Interview | None:
        return _interview(await record(self._interviews, where, changes, event))


def audience(*others: str) -> Expression:
    """Everybody who takes part before the change, and `others`."""
    return Expression({"$setUnion": ["$participants.user_id", [{"$literal": other} for other in others]]})


def _rev_in(revs: Sequence[int] | None) -> Document:
    return {} if revs is None else {"rev": {"$in": list(revs)}}


def _stored(interview: Interview) -> Document:
    document = asdict(interview)
    document["_id"] = document.pop("id")
    return document


def _interview(document: Mapping[str, Any] | None) -> Interview | None:
    return _as_interview(document) if document else None


def _as_interview(document: Mapping[str, Any]) -> Interview:
    fields = {name: document["_id" if name == "id" else name] for name in _FIELDS}
    return Interview(**{**fields, "status": Status(fields["status"])})


def _as_participant(document: Mapping[str, Any]) -> Participant:
    return Participant(**{**document, "participant_role": ParticipantRole(document["participant_role"])})


def _as_entry(document: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(**{name: document[name] for name in HistoryEntry.__dataclass_fields__})
