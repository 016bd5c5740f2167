"""What can happen to a ticket."""

from parley_core import EventType

TICKET_OPENED = EventType("ticket.opened", "A customer opened a ticket; `changes` has its title.")
TICKET_ASSIGNED = EventType("ticket.assigned", "A ticket got an agent, or another one.")
TICKET_CLOSED = EventType("ticket.closed", "A ticket was closed.")

EVENTS = [TICKET_OPENED, TICKET_ASSIGNED, TICKET_CLOSED]
