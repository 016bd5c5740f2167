"""When people are busy, by the stored interviews; and their agendas, on which bookings that exclude others meet."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from parley_core import Database, Document, Session
from parley_interviews.indexes import AGENDAS, INTERVIEWS, PARTICIPANT_SCHEDULE
from parley_interviews.models import UNKNOWN_TIME
from parley_interviews.policy import LONGEST, OPEN, end_of
from parley_interviews.scheduling.overlaps import Busy

SPAN = {"scheduled_at": True, "ends_at": True, "duration_minutes": True}
"""The projection that `span_of` needs."""
_OPEN = sorted(OPEN)
_BUSY = {**SPAN, "participants.user_id": True}


@dataclass(frozen=True)
class Span:
    """People, and the time in which what else they do is looked for.

    Args:
        user_ids: the people.
        begin: what ends then or before doesn't count.
        end: what begins then or later doesn't count.
        excluding: the id of an interview that doesn't count either.
    """

    user_ids: frozenset[str]
    begin: datetime
    end: datetime
    excluding: str | None = None


class ScheduleRepository:
    """Reads when people are busy, and makes bookings of the same people wait for each other."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]
        self._agendas = database[AGENDAS]

    async def overlapping(
        self,
        user_ids: Collection[str],
        begin: datetime,
        end: datetime,
        *,
        excluding: str | None = None,
        limit: int = 0,
        session: Session | None = None,
    ) -> Sequence[Busy]:
        """Return the open interviews of people that run between two instants, in the order of their begin.

        Args:
            user_ids: the people.
            begin: what ends then or before doesn't count.
            end: what begins then or later doesn't count.
            excluding: the id of an interview that doesn't count either.
            limit: of how many interviews at most; 0 for no limit.
            session: a transaction.

        Returns: one entry for each interview and each of these people in it.
        """
        span = Span(frozenset(user_ids), begin, end, excluding)
        return _busy_in(span, await self._find(_running(span), limit, session))

    async def overlapping_each(self, spans: Sequence[Span], *, limit: int) -> Sequence[Sequence[Busy]] | None:
        """Do what `overlapping` does for several spans, by one query.

        Returns: None where there are more interviews than the limit, of which each may have its share.
        """
        branches = [_running(span) for span in spans]
        found = await self._find(branches[0] if len(branches) == 1 else {"$or": branches}, limit)
        if len(spans) > 1 and len(found) == limit:
            return None
        return [_busy_in(span, found) for span in spans]

    async def _find(self, where: Document, limit: int, session: Session | None = None) -> Sequence[Document]:
        # All in one batch: no cursor stays open between two commands.
        found = self._interviews.find(
            where, _BUSY, hint=PARTICIPANT_SCHEDULE, limit=limit, batch_size=limit, session=session
        )
        return await found.to_list()

    async def touch(self, user_ids: Iterable[str], session: Session | None) -> None:
        """Touch the agendas of people, so that the caller's transaction conflicts with every other that does so too.

        Raises:
            TypeError: there is no transaction, outside which a touch excludes nothing.
        """
        if session is None or not session.in_transaction:
            raise TypeError("agendas are touched in the transaction of the write that they protect")
        # In one order, so that two transactions meet on the first agenda that they share.
        touches = [UpdateOne({"_id": _agenda(user)}, {"$inc": {"n": 1}}, upsert=True) for user in sorted(set(user_ids))]
        await self._agendas.bulk_write(touches, session=session)


def _running(span: Span) -> Document:
    where: Document = {
        "participants.user_id": {"$in": sorted(span.user_ids)},
        "scheduled_at": {"$gt": span.begin - LONGEST, "$lt": span.end},
        "status": {"$in": _OPEN},
        # A stored interview that lacks its end is read with one.
        "ends_at": {"$not": {"$lte": span.begin}},
    }
    return where if span.excluding is None else {**where, "_id": {"$ne": span.excluding}}


def _busy_in(span: Span, documents: Iterable[Mapping[str, Any]]) -> Sequence[Busy]:
    """Return when the people of a span are busy in it, out of all interviews that were found for it and for others."""
    busy = (one for document in documents if document["_id"] != span.excluding for one in _busy(document, span))
    return sorted(busy, key=lambda one: (one.scheduled_at, one.interview_id, one.user_id))


def _busy(document: Mapping[str, Any], span: Span) -> Iterator[Busy]:
    begin, end = span_of(document)
    if begin < span.end and end > span.begin:
        for participant in document["participants"]:
            if participant["user_id"] in span.user_ids:
                yield Busy(participant["user_id"], document["_id"], begin, end)


def span_of(document: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return begin and end of a stored interview, with a default for each field that it may lack."""
    begin = document.get("scheduled_at", UNKNOWN_TIME)
    return begin, document.get("ends_at") or end_of(begin, document.get("duration_minutes", 60))


def _agenda(user_id: str) -> str:
    return f"agenda:{user_id}"
