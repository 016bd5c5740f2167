"""The desk's rules."""

from collections.abc import Iterable, Mapping
from functools import partial

from parley_auth import OUTSIDER, Access, ScopedAccess, UserDirectory
from parley_core import Clock, Event, EventType, new_id
from ticket_desk.errors import NoAgent, TicketNotFound
from ticket_desk.events import TICKET_ASSIGNED, TICKET_CLOSED, TICKET_OPENED
from ticket_desk.models import State, Ticket
from ticket_desk.policy import AGENT, ASSIGN, CLOSE, READ
from ticket_desk.repository import TicketRepository


class TicketService:
    """Opens, shows, assigns and closes tickets."""

    def __init__(self, *, tickets: TicketRepository, users: UserDirectory, clock: Clock) -> None:
        self._tickets = tickets
        self._users = users
        self._clock = clock

    async def open(self, title: str, access: Access) -> Ticket:
        """Open a ticket of the caller's."""
        customer = access.principal.id
        ticket = Ticket(new_id(), title, State.OPEN, customer, None, 1, self._clock())
        await self._tickets.add(ticket, self._event(TICKET_OPENED, access, {"title": (None, title)}, [customer]))
        return ticket

    async def get(self, ticket_id: str) -> Ticket:
        """Return a ticket; raise `TicketNotFound` when it is gone."""
        ticket = await self._tickets.find(ticket_id)
        if ticket is None:
            raise TicketNotFound
        return ticket

    async def page(self, access: Access, *, limit: int, offset: int) -> tuple[list[Ticket], int]:
        """Return a page of the tickets that the caller may read, oldest first, and how many there are."""
        role, sees_all = access.principal.role, access.policy.permits
        own = None if sees_all(READ, role, relation=OUTSIDER, state=State.OPEN) else access.principal.id
        return await self._tickets.page(own, limit=limit, offset=offset)

    async def assign(self, agent_id: str, access: ScopedAccess) -> Ticket:
        """Give an open ticket an agent, in the place of the one that it has.

        Raises:
            NoAgent: the account is no active agent.
        """
        agent = await self._users.by_id(agent_id)
        if agent is None or agent.role != AGENT or not agent.active:
            raise NoAgent

        def assigned(before: Ticket) -> tuple[dict[str, object], Event]:
            people = {*before.participants, agent_id}
            changes = {"agent_id": (before.agent_id, agent_id)}
            return {"agent_id": agent_id}, self._event(TICKET_ASSIGNED, access, changes, people)

        return await self._tickets.change(access.resource.id, assigned, lock=partial(access.lock, action=ASSIGN))

    async def close(self, access: ScopedAccess) -> Ticket:
        """Close an open ticket; nobody writes in it after that."""

        def closed(before: Ticket) -> tuple[dict[str, object], Event]:
            changes = {"state": (before.state, State.CLOSED)}
            event = self._event(TICKET_CLOSED, access, changes, before.participants)
            return {"state": State.CLOSED}, event

        return await self._tickets.change(access.resource.id, closed, lock=partial(access.lock, action=CLOSE))

    def _event(
        self,
        kind: EventType,
        access: Access,
        changes: Mapping[str, tuple[object, object]],
        people: Iterable[str],
    ) -> Event:
        return Event(type=kind, at=self._clock(), actor=access.actor, changes=changes, audience=sorted(people))
