"""What all packages declare to auth, checked as a whole when the application starts."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from parley_auth.authorization.policy_table import PolicyRule, PolicyTable
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.models import OUTSIDER
from parley_core import PublicRoute, StartupError
from parley_core.declarations import Declared
from parley_core.ownership import single_owner

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


class ScopeRegistry:
    """The participant scopes of all packages.

    Raises:
        StartupError: two scopes have the same name or the same path parameter, or one declares `OUTSIDER`.
    """

    def __init__(self, declared: Iterable[Declared[ParticipantScope]]) -> None:
        scopes = list(declared)
        names = single_owner(scopes, lambda scope: [scope.name], what="scope")
        parameters = single_owner(scopes, lambda scope: [scope.path_param], what="path parameter")
        for declaration in scopes:
            if OUTSIDER in declaration.value.relations:
                raise StartupError(
                    f"{declaration.owner}: scope '{declaration.value.name}' declares the relation '{OUTSIDER}', "
                    "which stands for everybody who doesn't participate"
                )
        self.by_name = {name: declaration.value for name, declaration in names.items()}
        self.by_parameter = {name: declaration.value for name, declaration in parameters.items()}


class PublicRoutes:
    """The public routes with their reasons, by method and path.

    Raises:
        StartupError: one is declared twice, or has a scope's parameter.
    """

    def __init__(self, declared: Iterable[Declared[PublicRoute]], scopes: ScopeRegistry) -> None:
        routes = single_owner(declared, lambda route: [f"{route.method} {route.path}"], what="public route")
        self.reasons: dict[tuple[str, str], str] = {}
        for declaration in routes.values():
            route = declaration.value
            if inside := parameters_of(route.path) & scopes.by_parameter.keys():
                raise StartupError(
                    f"{declaration.owner}: route {route.path} can't be public: it has the parameter {{{min(inside)}}}"
                )
            self.reasons[route.method, route.path] = route.reason

    def are_all(self, methods: Iterable[str], path: str) -> bool:
        """Return whether the path is public for each of these methods; GET makes it so for HEAD."""
        return all((method, path) in self.reasons for method in methods_declared(methods))


def methods_declared(methods: Iterable[str]) -> set[str]:
    """Return the methods of a route that are spoken of: HEAD stands with GET, under the same guard."""
    named = set(methods)
    return named - {"HEAD"} if "GET" in named else named


def compose_policy(declared: Sequence[Declared[PolicyRule]], scopes: ScopeRegistry, roles: RoleRegistry) -> PolicyTable:
    """Return the policy table of all rules.

    Raises:
        StartupError: two plugins give rules for one action, or a rule's roles, scope, relations or states don't exist.
    """
    by_plugin: dict[str, list[PolicyRule]] = defaultdict(list)
    for declaration in declared:
        by_plugin[declaration.plugin].append(declaration.value)
    owned = [Declared(plugin, rules) for plugin, rules in by_plugin.items()]
    single_owner(owned, lambda rules: dict.fromkeys(rule.action for rule in rules), what="action")
    scope_of: dict[str, str | None] = {}
    for declaration in declared:
        rule = declaration.value
        if scope_of.setdefault(rule.action, rule.scope) != rule.scope:
            raise StartupError(f"{declaration.owner}: the rules of action '{rule.action}' name two scopes")
        _check_names(declaration, "role", rule.roles, set(roles.by_name), "no plugin declares")
        _check_scope(declaration, scopes)
    return PolicyTable(declaration.value for declaration in declared)


def _check_scope(declaration: Declared[PolicyRule], scopes: ScopeRegistry) -> None:
    rule = declaration.value
    if rule.scope is None:
        _check_names(declaration, "relation", rule.relations, set(), "has no meaning without a scope")
        return
    _check_names(declaration, "scope", {rule.scope}, set(scopes.by_name), "no plugin declares")
    scope = scopes.by_name[rule.scope]
    reason = f"scope '{rule.scope}' doesn't have"
    _check_names(declaration, "relation", rule.relations, {*scope.relations, OUTSIDER}, reason)
    _check_names(declaration, "state", rule.states, set(scope.states), reason)


def _check_names(
    declaration: Declared[PolicyRule], what: str, named: Collection[str] | None, known: set[str], reason: str
) -> None:
    if unknown := set(named or ()) - known:
        raise StartupError(
            f"{declaration.owner}: a rule of '{declaration.value.action}' names {what} '{min(unknown)}', which {reason}"
        )


def parameters_of(path: str) -> set[str]:
    """Return the names of a path's parameters."""
    return set(_PARAMETER.findall(path))
