"""The table of contents of messaging."""

from contextlib import AbstractAsyncContextManager

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, EventType, Parley, Router, hookimpl
from parley_messaging import events, indexes, lifespan, policy, services
from parley_messaging.log.endpoints import router as log
from parley_messaging.stream.endpoints import router as stream


@hookimpl
def parley_routers() -> list[Router]:
    return [log, stream]


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
def parley_services(parley: Parley) -> list[object]:
    return services.services_of(parley)


@hookimpl
def parley_lifespan(parley: Parley) -> AbstractAsyncContextManager[None]:
    return lifespan.messaging_lifespan(parley)
