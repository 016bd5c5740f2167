"""The table of contents of calendars."""

from collections.abc import Sequence

from parley_auth import PolicyRule, UserDirectory
from parley_calendar import endpoints, events, indexes, policy, repository
from parley_calendar.service import FeedService, FileService
from parley_core import CollectionIndexes, EventType, Parley, PublicRoute, Revocation, Router, hookimpl
from parley_interviews.appointments import AppointmentReader


@hookimpl
def parley_routers() -> list[Router]:
    return [endpoints.interviews, endpoints.feeds]


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    return indexes.INDEXES


@hookimpl
def parley_events() -> list[EventType]:
    return events.EVENTS


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_public_routes() -> list[PublicRoute]:
    return policy.PUBLIC_ROUTES


@hookimpl
def parley_revocations() -> list[Revocation]:
    return [repository.REVOCATION]


@hookimpl
def parley_services(parley: Parley) -> Sequence[object]:
    appointments = parley.require(AppointmentReader)
    feeds = FeedService(
        feeds=repository.FeedRepository(parley.database),
        users=parley.require(UserDirectory),
        appointments=appointments,
        clock=parley.clock,
    )
    return [feeds, FileService(appointments)]
