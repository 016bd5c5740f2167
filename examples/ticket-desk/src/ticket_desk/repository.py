"""Tickets in MongoDB."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict
from typing import Any

from parley_auth import TOUCH
from parley_core import Database, Document, Event, Session, in_transaction, insert_recorded, record
from ticket_desk.indexes import TICKETS
from ticket_desk.models import State, Ticket

_OLDEST = [("created_at", 1), ("_id", 1)]


class TicketRepository:
    """Reads and writes tickets."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tickets = database[TICKETS]

    async def add(self, ticket: Ticket, event: Event) -> None:
        """Store a new ticket."""
        document = asdict(ticket)
        await insert_recorded(self._tickets, {"_id": document.pop("id"), **document}, event)

    async def find(self, ticket_id: str, session: Session | None = None) -> Ticket | None:
        """Return a ticket as it is now."""
        found = await self._tickets.find_one({"_id": ticket_id}, {"history": False}, session=session)
        return _as_ticket(found) if found else None

    async def change(
        self,
        ticket_id: str,
        change: Callable[[Ticket], tuple[Mapping[str, object], Event]],
        *,
        lock: Callable[[Session], Awaitable[None]],
    ) -> Ticket:
        """Change a ticket in a transaction.

        Args:
            ticket_id: the ticket.
            change: returns the new values of fields, and the event, for the ticket as it is in the transaction.
            lock: called first, with the transaction, to keep the ticket as it is until the commit.
        """
        where = {"_id": ticket_id}

        async def write(session: Session) -> Ticket:
            await lock(session)
            before = await self._tickets.find_one(where, {"history": False}, session=session) or {}
            after = await record(self._tickets, where, *change(_as_ticket(before)), session=session)
            return _as_ticket(after or {})  # The lock has found it, and nobody else can remove it now.

        return await in_transaction(self._database.client, write)

    async def lock(self, ticket_id: str, states: Collection[str], session: Session) -> Ticket | None:
        """Touch a ticket that is in one of these states; return it, or None where there is none."""
        where = {"_id": ticket_id, "state": {"$in": sorted(states)}}
        found = await self._tickets.find_one_and_update(where, TOUCH, session=session)
        return _as_ticket(found) if found else None

    async def page(self, participant_id: str | None, *, limit: int, offset: int) -> tuple[list[Ticket], int]:
        """Return a page of somebody's tickets, or of all, oldest first, and how many there are."""
        own = [{"customer_id": {"$eq": participant_id}}, {"agent_id": {"$eq": participant_id}}]
        where: Document = {"$or": own} if participant_id else {}
        found = self._tickets.find(where, {"history": False}).sort(_OLDEST).skip(offset).limit(limit)
        return list(map(_as_ticket, await found.to_list())), await self._tickets.count_documents(where)


def _as_ticket(document: Mapping[str, Any]) -> Ticket:
    return Ticket(
        id=document["_id"],
        title=document["title"],
        state=State(document["state"]),
        customer_id=document["customer_id"],
        agent_id=document["agent_id"],
        rev=document["rev"],
        created_at=document["created_at"],
    )
