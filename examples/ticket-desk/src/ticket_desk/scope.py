"""The participant scope `ticket`: what guards and messages learn about a ticket."""

from collections.abc import Sequence

from parley_auth import Locked, ParticipantScope, PolicyTable, Principal, Resource
from parley_core import Parley, Session
from ticket_desk.errors import TicketClosed, TicketNotFound
from ticket_desk.models import State
from ticket_desk.policy import RELATIONS, SCOPE
from ticket_desk.repository import TicketRepository


async def access_of(parley: Parley, resource_id: str, principal: Principal) -> Resource | None:
    """Return what a guard must know, read for this request."""
    ticket = await parley.require(TicketRepository).find(resource_id)
    if ticket is None:
        return None
    return Resource(ticket.id, ticket.state, ticket.relation_of(principal.id), ticket.rev)


async def lock(parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str) -> Locked:
    """Keep a ticket as it is until the transaction ends.

    Raises:
        TicketNotFound: there is none.
        TicketClosed: its state forbids the action.
    """
    tickets = parley.require(TicketRepository)
    states = parley.require(PolicyTable).states_of(action)
    ticket = await tickets.lock(resource_id, tuple(State) if states is None else states, session)
    if ticket is None:
        raise TicketClosed if await tickets.find(resource_id, session) else TicketNotFound
    return Locked(ticket.state, {u: ticket.relation_of(u) for u in user_ids if u in ticket.participants})


SCOPES = [
    ParticipantScope(
        name=SCOPE,
        path_param="ticket_id",
        relations=RELATIONS,
        states=tuple(State),
        not_found=TicketNotFound,
        closed=TicketClosed,
        access_of=access_of,
        lock=lock,
    )
]
