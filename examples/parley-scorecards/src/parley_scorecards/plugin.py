"""The table of contents of scorecards."""

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, EventType, Router, hookimpl
from parley_scorecards import endpoints, events, indexes, policy


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
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES
