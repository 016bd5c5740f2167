"""Where the resources of scopes are: no route may reach one under another name, or take its id from elsewhere."""

import inspect
import re
from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from parley_auth.authorization.registry import ScopeRegistry, parameters_of
from parley_core import StartupError
from parley_core.http.framework import RouteContext
from parley_core.kernel.checks import dependants_of
from parley_core.kernel.owners import described

_PARAMETER = re.compile(r"{[^}]*}")


class Places:
    """The places of scopes' parameters in the paths of all routes: what stands before each of them.

    A parameter of another name at such a place has the same ids, so `/interviews/{id}/secret` is inside the scope of
    `/interviews/{interview_id}`.
    """

    def __init__(self, routes: Sequence[RouteContext], scopes: ScopeRegistry) -> None:
        self._scopes = {
            tuple(map(_without_names, before)): scopes.by_parameter[name]
            for route in routes
            for before, segment in _split(route.path or "")
            for name in parameters_of(segment) & scopes.by_parameter.keys()
        }

    def check(self, route: RouteContext, *, may_vary: bool) -> None:
        """Refuse a route with another parameter at the place of a scope's.

        Args:
            route: the route.
            may_vary: its parameters count for the literals before a place, too. A host's `/{page}/{name}` isn't meant
                for Parley's addresses, which are tried first.

        Raises:
            StartupError: it has one.
        """
        for place, scope in self._scopes.items():
            found = _at(place, (route.path or "").split("/"), may_vary=may_vary)
            if found and parameters_of(found) != {scope.path_param}:
                raise StartupError(
                    f"route {described(route)}: {found} stands where scope '{scope.name}' has "
                    f"{{{scope.path_param}}}: give it this name, and the route a guard of the scope"
                )


def check_inputs(route: RouteContext, scopes: ScopeRegistry) -> None:
    """Refuse a route that takes a scope's id from query, header or cookie, where no guard reads it.

    Raises:
        StartupError: it does.
    """
    for name in _inputs_of(route):
        if scope := scopes.by_parameter.get(name.lower().replace("-", "_")):
            raise StartupError(
                f"route {described(route)}: its parameter '{name}' names a resource of scope '{scope.name}', which its "
                "guard reads in the path alone"
            )


def _inputs_of(route: RouteContext) -> Iterator[str]:
    """Return the names of all parameters of query, header and cookie, of models and dependencies, too."""
    for dependant in dependants_of(route):
        for parameter in (*dependant.query_params, *dependant.header_params, *dependant.cookie_params):
            annotation = parameter.field_info.annotation
            yield parameter.alias
            if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
                for name, field in annotation.model_fields.items():
                    yield from (text for text in (name, field.alias, field.validation_alias) if isinstance(text, str))


def _at(place: Sequence[str], segments: Sequence[str], *, may_vary: bool) -> str | None:
    """Return the segment with a parameter that a path has at a place; None if it has none."""
    for theirs, own in zip(place, segments, strict=False):
        if may_vary and own.endswith(":path}"):
            return own
        if _without_names(own) != theirs and not (may_vary and "{" in own):
            return None
    at = segments[len(place) : len(place) + 1]
    return next((segment for segment in at if "{" in segment), None)


def _split(path: str) -> Iterator[tuple[Sequence[str], str]]:
    segments = path.split("/")
    return ((segments[:number], segment) for number, segment in enumerate(segments))


def _without_names(segment: str) -> str:
    return _PARAMETER.sub("{}", segment)
