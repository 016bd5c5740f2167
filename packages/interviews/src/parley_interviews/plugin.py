"""The table of contents of interviews."""

from parley_auth import ParticipantScope, PolicyRule
from parley_core import CollectionIndexes, EventType, Router, hookimpl
from parley_interviews import endpoints, events, indexes, policy, scope


@hookimpl
def parley_routers() -> list[Router]:
    return endpoints.ROUTERS


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
def parley_participant_scopes() -> list[ParticipantScope]:
    return scope.SCOPES
