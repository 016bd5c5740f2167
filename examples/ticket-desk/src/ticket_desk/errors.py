"""What the desk refuses."""

from parley_core.errors import BusinessRuleError, NotFoundError


class TicketNotFound(NotFoundError):
    code = "ticket_not_found"
    title = "There is no such ticket"


class TicketClosed(BusinessRuleError):
    code = "ticket_closed"
    title = "The ticket is closed"


class NoAgent(BusinessRuleError):
    code = "no_agent"
    title = "Tickets are assigned to active accounts with the role agent"
