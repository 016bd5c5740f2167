"""The routes of tickets."""

from typing import Annotated

from fastapi import Query, status

from parley_core import Page, PageQuery, PagerDep, Router, raises
from ticket_desk import schemas
from ticket_desk.dependencies import (
    TicketAssignment,
    TicketClosing,
    TicketCreation,
    TicketListing,
    TicketRead,
    TicketServiceDep,
)
from ticket_desk.errors import NoAgent
from ticket_desk.models import Ticket

router = Router(prefix="/tickets", tag="tickets")


@router.post("", summary="Open a ticket", status_code=status.HTTP_201_CREATED, response_model=schemas.Ticket)
async def open_ticket(access: TicketCreation, body: schemas.TicketCreate, tickets: TicketServiceDep) -> Ticket:
    """Open a ticket of the caller's."""
    return await tickets.open(body.title, access)


@router.get("", summary="List tickets", response_model=Page[schemas.Ticket])
async def list_tickets(
    access: TicketListing, query: Annotated[PageQuery, Query()], tickets: TicketServiceDep, pager: PagerDep
) -> Page[Ticket]:
    """List the caller's own tickets, oldest first; agents and administrators see all."""
    found, total = await tickets.page(access, limit=query.limit, offset=query.offset)
    return pager.page(found, total=total, query=query)


@router.get("/{ticket_id}", summary="Read a ticket", response_model=schemas.Ticket)
async def get_ticket(access: TicketRead, tickets: TicketServiceDep) -> Ticket:
    """Return a ticket."""
    return await tickets.get(access.resource.id)


@router.put("/{ticket_id}/agent", summary="Assign a ticket", response_model=schemas.Ticket)
@raises(NoAgent)
async def assign_ticket(access: TicketAssignment, body: schemas.Assignment, tickets: TicketServiceDep) -> Ticket:
    """Give an open ticket an agent. Whoever had it before no longer takes part."""
    return await tickets.assign(body.agent_id, access)


@router.post("/{ticket_id}/close", summary="Close a ticket", response_model=schemas.Ticket)
async def close_ticket(access: TicketClosing, tickets: TicketServiceDep) -> Ticket:
    """Close a ticket; its messages can be read, and nobody posts more of them."""
    return await tickets.close(access)
