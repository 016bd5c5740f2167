"""The table of contents of auth: every hook that it implements."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from parley_auth import caching, events, hookspecs, indexes, lifespan, policy, services
from parley_auth.accounts import endpoints as accounts
from parley_auth.authorization import route_checks
from parley_auth.authorization.policy_table import PolicyRule
from parley_auth.keys import endpoints as keys
from parley_auth.links import endpoints as links
from parley_auth.listing import endpoints as listing
from parley_auth.models import Role
from parley_auth.sessions import endpoints as sessions
from parley_auth.sessions import repository as stored_sessions
from parley_auth.settings import AuthSettings
from parley_auth.signing import endpoints as signing
from parley_auth.signing import secret
from parley_auth.system import endpoints as system
from parley_core import (
    CollectionIndexes,
    EventType,
    Invalidation,
    KeyFile,
    Parley,
    PublicRoute,
    Revocation,
    Router,
    Settings,
    hookimpl,
)
from parley_core.http.framework import RouteContext

if TYPE_CHECKING:
    from typer import Typer


@hookimpl
def parley_addhooks(pluginmanager: Any) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [AuthSettings]


@hookimpl
def parley_routers() -> list[Router]:
    return [
        sessions.router,
        accounts.registration,
        listing.router,
        accounts.router,
        links.acceptance,
        links.creation,
        keys.router,
        signing.router,
        system.router,
    ]


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
def parley_services(parley: Parley) -> Sequence[object]:
    return services.make_services(parley)


@hookimpl
def parley_key_files() -> list[KeyFile]:
    return [secret.KEY_FILE]


@hookimpl
def parley_revocations() -> list[Revocation]:
    return [stored_sessions.REVOCATION]


@hookimpl
def parley_commands() -> "list[Typer]":
    from parley_auth import commands  # noqa: PLC0415 - what serves without a command line needs no typer

    return [commands.app]


@hookimpl
def parley_roles() -> list[Role]:
    return policy.ROLES


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
