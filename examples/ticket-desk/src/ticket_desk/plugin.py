"""The desk's table of contents: every hook that it implements."""

from parley_auth import ParticipantScope, PolicyRule, Role, UserDirectory
from parley_core import CollectionIndexes, EventType, Parley, Router, hookimpl
from ticket_desk import endpoints, events, indexes, policy, scope
from ticket_desk.repository import TicketRepository
from ticket_desk.service import TicketService


@hookimpl
def parley_roles() -> list[Role]:
    return policy.ROLES


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_participant_scopes() -> list[ParticipantScope]:
    return scope.SCOPES


@hookimpl
def parley_routers() -> list[Router]:
    return [endpoints.router]


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    return indexes.INDEXES


@hookimpl
def parley_events() -> list[EventType]:
    return events.EVENTS


@hookimpl
def parley_services(parley: Parley) -> list[object]:
    tickets, users = TicketRepository(parley.database), UserDirectory(parley.database)
    return [tickets, TicketService(tickets=tickets, users=users, clock=parley.clock)]
