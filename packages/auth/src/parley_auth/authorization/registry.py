"""What all packages declare to auth, checked as one whole when the application starts."""

import re
from collections.abc import Iterable, Sequence

from parley_auth.authorization.policy_table import PolicyRule, PolicyTable
from parley_auth.authorization.scopes import ParticipantScope
from parley_core import PublicRoute, StartupError
from parley_core.declarations import Declared

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


class ScopeRegistry:
    """The participant scopes of all packages.

    Raises:
        StartupError: two scopes have one name or one path parameter.
    """

    def __init__(self, declared: Iterable[Declared[ParticipantScope]]) -> None:
        self.by_name: dict[str, ParticipantScope] = {}
        self.by_parameter: dict[str, ParticipantScope] = {}
        owners: dict[str, str] = {}
        for declaration in declared:
            scope = declaration.value
            for what, key, taken in (
                ("scope", scope.name, self.by_name),
                ("the parameter of a scope,", scope.path_param, self.by_parameter),
            ):
                if key in taken:
                    owner = owners[taken[key].name]
                    raise StartupError(f"{what} '{key}' is declared by plugins '{owner}' and '{declaration.plugin}'")
                taken[key] = scope
            owners[scope.name] = declaration.plugin


class PublicRoutes:
    """The routes that stand open, by method and path, with their reasons.

    Raises:
        StartupError: one is declared twice, or holds a scope's parameter.
    """

    def __init__(self, declared: Iterable[Declared[PublicRoute]], scopes: ScopeRegistry) -> None:
        self.reasons: dict[tuple[str, str], str] = {}
        for declaration in declared:
            route: PublicRoute = declaration.value
            if (route.method, route.path) in self.reasons:
                raise StartupError(f"public route {route.method} {route.path} is declared twice")
            if inside := parameters_of(route.path) & scopes.by_parameter.keys():
                raise StartupError(
                    f"plugin '{declaration.plugin}': route {route.path} can't be public: it holds {{{min(inside)}}}"
                )
            self.reasons[route.method, route.path] = route.reason

    def are_all(self, methods: Iterable[str], path: str) -> bool:
        """Whether the path is open for each of these methods."""
        return all((method, path) in self.reasons for method in methods)


def compose_policy(declared: Sequence[Declared[PolicyRule]], scopes: ScopeRegistry) -> PolicyTable:
    """The one policy table.

    Raises:
        StartupError: two plugins give rules for one action, or a rule's scope or states don't exist.
    """
    owners: dict[str, Declared[PolicyRule]] = {}
    for declaration in declared:
        rule: PolicyRule = declaration.value
        first = owners.setdefault(rule.action, declaration)
        if first.plugin != declaration.plugin:
            raise StartupError(
                f"action '{rule.action}' has rules of plugins '{first.plugin}' and '{declaration.plugin}'"
            )
        if first.value.scope != rule.scope:
            raise StartupError(f"plugin '{declaration.plugin}': the rules of action '{rule.action}' name two scopes")
        _check_scope(declaration, scopes)
    return PolicyTable(declaration.value for declaration in declared)


def _check_scope(declaration: Declared[PolicyRule], scopes: ScopeRegistry) -> None:
    rule: PolicyRule = declaration.value
    if rule.scope is None:
        return
    if rule.scope not in scopes.by_name:
        raise StartupError(
            f"plugin '{declaration.plugin}': a rule of '{rule.action}' names scope '{rule.scope}', "
            "which nobody declares"
        )
    if unknown := (rule.states or frozenset()) - set(scopes.by_name[rule.scope].states):
        raise StartupError(
            f"plugin '{declaration.plugin}': a rule of '{rule.action}' names state '{min(unknown)}', "
            f"which scope '{rule.scope}' doesn't have"
        )


def parameters_of(path: str) -> set[str]:
    """The names of a path's parameters."""
    return set(_PARAMETER.findall(path))
