"""The start-up proof: every route is guarded as its path demands, or stands open by declaration."""

from collections.abc import Iterator, Sequence

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext

from parley_auth.authorization.guard import Guard
from parley_auth.authorization.policy_table import PolicyRule, PolicyTable
from parley_auth.authorization.registry import PublicRoutes, ScopeRegistry, compose_policy, parameters_of
from parley_auth.authorization.scopes import ParticipantScope
from parley_core import Parley, PublicRoute, StartupError
from parley_core.kernel.checks import name_of


def verify(parley: Parley, routes: Sequence[RouteContext]) -> None:
    """Composes scopes, policy and public routes and proves every route against them.

    Raises:
        StartupError: names the route, action, scope or plugin that is at fault.
    """
    plugins = parley.plugins
    scopes = ScopeRegistry(plugins.declarations("parley_participant_scopes", ParticipantScope))
    policy = compose_policy(list(plugins.declarations("parley_policies", PolicyRule)), scopes)
    public = PublicRoutes(plugins.declarations("parley_public_routes", PublicRoute), scopes)
    for provided in (scopes, policy, public):
        parley.provide(provided)
    for route in routes:
        _prove(parley, route)


def _prove(parley: Parley, route: RouteContext) -> None:
    guards = [call for call in calls_of(getattr(route, "dependant", None)) if isinstance(call, Guard)]
    for action in (action for guard in guards for action in guard.actions):
        if action not in parley.require(PolicyTable):
            raise StartupError(f"route {name_of(route)}: its guard names action '{action}', which has no rule")
    for guard in guards:
        _check_one_scope(parley, guard.actions, route)
    _prove_scopes(parley, route, [action for guard in guards for action in guard.actions])
    is_open = parley.require(PublicRoutes).are_all(route.methods or {"WEBSOCKET"}, route.path or "")
    if not guards and not is_open and parley.must_be_checked(route):
        raise StartupError(f"route {name_of(route)} has neither a guard nor a declared public place")


def _check_one_scope(parley: Parley, actions: Sequence[str], route: RouteContext) -> None:
    if not actions:
        raise StartupError(f"route {name_of(route)}: its guard names no action")
    if len({parley.require(PolicyTable).scope_of(action) for action in actions}) > 1:
        raise StartupError(f"route {name_of(route)}: its guard's actions {', '.join(actions)} are of different scopes")


def _prove_scopes(parley: Parley, route: RouteContext, actions: Sequence[str]) -> None:
    """A path with a scope's parameter needs a guard of that scope, and such a guard needs the parameter."""
    by_parameter = parley.require(ScopeRegistry).by_parameter
    guarded = {parley.require(PolicyTable).scope_of(action) for action in actions} - {None}
    needed = {by_parameter[name].name for name in parameters_of(route.path or "") if name in by_parameter}
    if missing := needed - guarded:
        raise StartupError(f"route {name_of(route)} lacks a guard of scope '{min(missing)}'")
    if lost := guarded - needed:
        raise StartupError(f"route {name_of(route)}: its guard is of scope '{min(map(str, lost))}', its path is not")


def calls_of(dependant: Dependant | None) -> Iterator[object]:
    """Every callable that a route depends on, however deep."""
    for dependency in dependant.dependencies if dependant else ():
        yield dependency.call
        yield from calls_of(dependency)
