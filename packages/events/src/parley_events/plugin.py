"""The table of contents of events."""

from contextlib import AbstractAsyncContextManager

from parley_auth import PolicyRule
from parley_core import Parley, Router, hookimpl
from parley_events import lifespan, policy, services
from parley_events.log.endpoints import router as log
from parley_events.stream.endpoints import router as stream


@hookimpl
def parley_routers() -> list[Router]:
    return [log, stream]


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_services(parley: Parley) -> list[object]:
    return services.services_of(parley)


@hookimpl
def parley_lifespan(parley: Parley) -> AbstractAsyncContextManager[None]:
    return lifespan.events_lifespan(parley)
