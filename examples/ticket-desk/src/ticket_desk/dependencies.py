"""What the endpoints of tickets are given."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard, ScopedAccess
from parley_core import provided
from ticket_desk.policy import ASSIGN, CLOSE, CREATE, LIST, READ
from ticket_desk.service import TicketService

TicketServiceDep = Annotated[TicketService, Depends(provided(TicketService))]

TicketCreation = Annotated[Access, Depends(Guard(CREATE))]
TicketListing = Annotated[Access, Depends(Guard(LIST))]
TicketRead = Annotated[ScopedAccess, Depends(Guard(READ))]
TicketAssignment = Annotated[ScopedAccess, Depends(Guard(ASSIGN))]
TicketClosing = Annotated[ScopedAccess, Depends(Guard(CLOSE))]
