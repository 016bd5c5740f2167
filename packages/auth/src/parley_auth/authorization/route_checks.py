"""The checks of all routes at start-up: each is guarded as its path demands, or declared public."""

from collections.abc import Sequence

from parley_auth.authorization.guard import Guard
from parley_auth.authorization.policy_table import PolicyRule, PolicyTable
from parley_auth.authorization.registry import PublicRoutes, ScopeRegistry, compose_policy, parameters_of
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.authorization.scope_places import Places, check_inputs
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.models import Role
from parley_core import Parley, PublicRoute, StartupError
from parley_core.declarations import Declared
from parley_core.http.framework import RouteContext, original_of
from parley_core.kernel.checks import calls_of, is_exactly
from parley_core.kernel.owners import described, owner_of


def verify(parley: Parley, routes: Sequence[RouteContext]) -> None:
    """Compose and provide roles, scopes, policy and public routes, and check every route against them.

    Raises:
        StartupError: the message names the route, action, scope or plugin at fault.
    """
    plugins = parley.plugins
    roles = RoleRegistry(plugins.declarations("parley_roles", Role))
    scopes = ScopeRegistry(plugins.declarations("parley_participant_scopes", ParticipantScope))
    policy = compose_policy(list(plugins.declarations("parley_policies", PolicyRule)), scopes, roles)
    declared = [*plugins.declarations("parley_public_routes", PublicRoute, parley=parley), *parley.public_routes]
    public = PublicRoutes(declared, scopes)
    _check_public(declared, routes)
    for registry in (roles, scopes, policy, public):
        parley.provide(registry)
    places = Places(routes, scopes)
    for route in routes:
        guards = guards_of(route)
        _check_classes(guards, route)
        _check_actions(policy, guards, route)
        _check_scopes(policy, scopes, guards, route)
        places.check(route, may_vary=parley.must_be_checked(route))
        check_inputs(route, scopes)
        is_public = public.are_all(route.methods or {"WEBSOCKET"}, route.path or "")
        if not guards and not is_public and parley.must_be_checked(route):
            raise StartupError(f"route {described(route)} has no guard and isn't declared public")


def _check_public(declared: Sequence[Declared[PublicRoute]], routes: Sequence[RouteContext]) -> None:
    """Check that what is declared public exists, and belongs to whoever declares it."""
    found = {(method, route.path): route for route in routes for method in route.methods or {"WEBSOCKET"}}
    for declaration in declared:
        named = declaration.value
        route = found.get((named.method, named.path))
        if route is None:
            raise StartupError(f"{declaration.owner}: public route {named.method} {named.path} doesn't exist")
        if (owner_of(original_of(route)) or "") != declaration.plugin:
            raise StartupError(f"{declaration.owner} can't declare another's route public: {described(route)}")


def guards_of(route: RouteContext) -> list[Guard]:
    """Return every guard that a route depends on, at any depth."""
    return [call for call in calls_of(route) if isinstance(call, Guard)]


def _check_classes(guards: Sequence[Guard], route: RouteContext) -> None:
    for guard in guards:
        if not is_exactly(guard, Guard):
            raise StartupError(
                f"route {described(route)}: its guard is of class {type(guard).__name__}, but only "
                "parley_auth.Guard itself is known to refuse"
            )


def _check_actions(policy: PolicyTable, guards: Sequence[Guard], route: RouteContext) -> None:
    for guard in guards:
        if not guard.actions:
            raise StartupError(f"route {described(route)}: its guard names no action")
        for action in guard.actions:
            if action not in policy:
                raise StartupError(f"route {described(route)}: its guard names action '{action}', which has no rule")
        if len({policy.scope_of(action) for action in guard.actions}) > 1:
            actions = ", ".join(guard.actions)
            raise StartupError(f"route {described(route)}: its guard's actions {actions} are of different scopes")


def _check_scopes(policy: PolicyTable, scopes: ScopeRegistry, guards: Sequence[Guard], route: RouteContext) -> None:
    """Check that a path with a scope's parameter has a guard of that scope, and the other way round."""
    guarded = {policy.scope_of(action) for guard in guards for action in guard.actions} - {None}
    by_parameter = scopes.by_parameter
    needed = {by_parameter[name].name for name in parameters_of(route.path or "") if name in by_parameter}
    if missing := needed - guarded:
        raise StartupError(f"route {described(route)} lacks a guard of scope '{min(missing)}'")
    if lost := guarded - needed:
        raise StartupError(f"route {described(route)}: its guard is of scope '{min(map(str, lost))}', its path is not")
