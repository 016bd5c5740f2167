"""What goes over the wire about tickets."""

from datetime import datetime

from pydantic import Field

from parley_core.http.schemas import Body, Id, Line, Representation
from ticket_desk.models import State


class TicketCreate(Body):
    """A new ticket."""

    title: Line = Field(max_length=200)


class Assignment(Body):
    """The agent of a ticket."""

    agent_id: Id


class Ticket(Representation):
    """A ticket."""

    id: str
    title: str
    state: State
    customer_id: str
    agent_id: str | None
    created_at: datetime
