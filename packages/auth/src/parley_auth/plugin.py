"""Auth's table of contents."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi.routing import RouteContext
from typer import Typer

from parley_auth import commands, events, hookspecs, indexes, lifespan, policy, routers
from parley_auth.authorization import route_checks
from parley_auth.authorization.policy_table import PolicyRule
from parley_auth.settings import AuthSettings
from parley_core import CollectionIndexes, EventType, Parley, PublicRoute, Router, Settings, hookimpl


@hookimpl
def parley_addhooks(pluginmanager: Any) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [AuthSettings]


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
def parley_commands() -> list[Typer]:
    return [commands.app]


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_public_routes() -> list[PublicRoute]:
    return policy.PUBLIC_ROUTES


@hookimpl
def parley_verify(parley: Parley, routes: list[RouteContext]) -> None:
    route_checks.verify(parley, routes)


@hookimpl
def parley_lifespan(parley: Parley) -> AbstractAsyncContextManager[None]:
    return lifespan.auth_lifespan(parley)
