"""Bookings: when people are given a time, what they have to do then already is found, or refuses it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Protocol, TypeVar

from parley_core import Database, Session, in_transaction
from parley_interviews.models import OnConflict
from parley_interviews.scheduling.overlap_reads import OverlapReads
from parley_interviews.scheduling.overlaps import Busy, refusal
from parley_interviews.scheduling.repository import ScheduleRepository, Span

T = TypeVar("T")
MOST_READ = 1000
"""So many interviews are read at most: no write takes the longer the more of them overlap it."""


class Booked(Protocol):
    """What gives people a time: an interview."""

    @property
    def id(self) -> str: ...
    @property
    def scheduled_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


class Bookings:
    """Finds the overlaps that a write makes.

    Args:
        database: the application's handle.
        schedule: when people are busy.
        reads: the same for writes without a transaction, which share queries.
        on_conflict: what becomes of a write with overlaps whose request doesn't say.
    """

    def __init__(
        self, database: Database, schedule: ScheduleRepository, reads: OverlapReads, *, on_conflict: OnConflict
    ) -> None:
        self._client = database.client
        self._schedule, self._reads = schedule, reads
        self._on_conflict = on_conflict
        self._turn = asyncio.Lock()

    def refuse(self, wanted: OnConflict | None) -> bool:
        """Return whether overlaps refuse the write of a request that wants this; it is then `written` in turn."""
        return (wanted or self._on_conflict) is OnConflict.REFUSE

    async def written(self, work: Callable[[Session], Awaitable[T]], *, in_turn: bool) -> T:
        """Run `work` in a transaction.

        Args:
            work: the write.
            in_turn: whether overlaps refuse it: in each worker such writes run one after the other. Otherwise each
                commit would make all others of the same people begin again: of 50 at once most ran out of time.
        """
        async with self._turn if in_turn else nullcontext():
            return await in_transaction(self._client, work)

    async def conflicts(
        self, interview: Booked, pointers: Mapping[str, str], *, refuse: bool, session: Session | None = None
    ) -> Sequence[Busy]:
        """Return when people are busy during an interview, by the other ones in which they take part.

        Args:
            interview: as it will be.
            pointers: user id -> where the body names the person, or what makes them busy.
            refuse: whether overlaps are refused.
            session: the transaction of the write; there is one where overlaps are refused.

        Raises:
            ScheduleConflict: overlaps are refused, and there are some. There is none that a concurrent transaction that
                refuses them too could make: both have touched the agendas.
        """
        if not pointers:
            return ()
        if refuse:
            await self._schedule.touch(pointers, session)
        if session is None:
            return await self._reads.find(
                Span(frozenset(pointers), interview.scheduled_at, interview.ends_at, interview.id)
            )
        busy = await self._schedule.overlapping(
            pointers,
            interview.scheduled_at,
            interview.ends_at,
            excluding=interview.id,
            limit=MOST_READ,
            session=session,
        )
        if refuse and busy:
            raise refusal(busy, pointers)
        return busy
