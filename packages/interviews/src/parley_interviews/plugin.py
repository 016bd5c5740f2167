"""The table of contents of interviews."""

from contextlib import AbstractAsyncContextManager

from parley_auth import ParticipantScope, PolicyRule, Role
from parley_core import CollectionIndexes, EventType, Invalidation, Parley, Router, Settings, hookimpl
from parley_interviews import caching, events, indexes, lifespan, policy, routers, scope, services
from parley_interviews.settings import InterviewSettings


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [InterviewSettings]


@hookimpl
def parley_routers() -> list[Router]:
    return routers.ROUTERS


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    return indexes.INDEXES


@hookimpl
def parley_events() -> list[EventType]:
    return events.EVENTS


@hookimpl
def parley_cache_invalidations() -> list[Invalidation]:
    return caching.INVALIDATIONS


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
def parley_services(parley: Parley) -> list[object]:
    return services.services_of(parley)


@hookimpl
def parley_lifespan(parley: Parley) -> AbstractAsyncContextManager[None]:
    return lifespan.interviews_lifespan(parley)
