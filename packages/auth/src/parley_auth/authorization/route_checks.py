"""The checks of all routes at start-up: each is guarded as its path demands, or declared public."""

from collections.abc import Iterator, Sequence

from fastapi.dependencies.models import Dependant

from parley_auth.authorization.guard import Guard
from parley_auth.authorization.policy_table import PolicyRule, PolicyTable
from parley_auth.authorization.registry import PublicRoutes, ScopeRegistry, compose_policy, parameters_of
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.models import Role
from parley_core import Parley, PublicRoute, StartupError
from parley_core.http.framework import RouteContext
from parley_core.kernel.owners import name_of


def verify(parley: Parley, routes: Sequence[RouteContext]) -> None:
    """Compose and provide roles, scopes, policy and public routes, and check every route against them.

    Raises:
        StartupError: the message names the route, action, scope or plugin at fault.
    """
    plugins = parley.plugins
    roles = RoleRegistry(plugins.declarations("parley_roles", Role))
    scopes = ScopeRegistry(plugins.declarations("parley_participant_scopes", ParticipantScope))
    policy = compose_policy(list(plugins.declarations("parley_policies", PolicyRule)), scopes, roles)
    public = PublicRoutes(plugins.declarations("parley_public_routes", PublicRoute), scopes)
    for registry in (roles, scopes, policy, public):
        parley.provide(registry)
    for route in routes:
        guards = guards_of(route)
        _check_actions(policy, guards, route)
        _check_scopes(policy, scopes, guards, route)
        is_public = public.are_all(route.methods or {"WEBSOCKET"}, route.path or "")
        if not guards and not is_public and parley.must_be_checked(route):
            raise StartupError(f"route {name_of(route)} has no guard and isn't declared public")


def guards_of(route: RouteContext) -> list[Guard]:
    """Return every guard that a route depends on, at any depth."""
    return [call for call in _calls_of(getattr(route, "dependant", None)) if isinstance(call, Guard)]


def _calls_of(dependant: Dependant | None) -> Iterator[object]:
    for dependency in dependant.dependencies if dependant else ():
        yield dependency.call
        yield from _calls_of(dependency)


def _check_actions(policy: PolicyTable, guards: Sequence[Guard], route: RouteContext) -> None:
    for guard in guards:
        if not guard.actions:
            raise StartupError(f"route {name_of(route)}: its guard names no action")
        for action in guard.actions:
            if action not in policy:
                raise StartupError(f"route {name_of(route)}: its guard names action '{action}', which has no rule")
        if len({policy.scope_of(action) for action in guard.actions}) > 1:
            actions = ", ".join(guard.actions)
            raise StartupError(f"route {name_of(route)}: its guard's actions {actions} are of different scopes")


def _check_scopes(policy: PolicyTable, scopes: ScopeRegistry, guards: Sequence[Guard], route: RouteContext) -> None:
    """Check that a path with a scope's parameter has a guard of that scope, and the other way round."""
    guarded = {policy.scope_of(action) for guard in guards for action in guard.actions} - {None}
    by_parameter = scopes.by_parameter
    needed = {by_parameter[name].name for name in parameters_of(route.path or "") if name in by_parameter}
    if missing := needed - guarded:
        raise StartupError(f"route {name_of(route)} lacks a guard of scope '{min(missing)}'")
    if lost := guarded - needed:
        raise StartupError(f"route {name_of(route)}: its guard is of scope '{min(map(str, lost))}', its path is not")
