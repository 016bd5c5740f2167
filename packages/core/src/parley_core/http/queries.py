"""Query parameters: a route knows its own and refuses all others."""

import inspect
from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from parley_core.errors import FieldError, InvalidFilter, ValidationError, nameable


class QueryNames:
    """The names of a route's query parameters.

    Args:
        dependant: what the route depends on.
    """

    def __init__(self, dependant: Dependant) -> None:
        self._names = frozenset(_names_in(dependant))

    @property
    def error(self) -> type[ValidationError]:
        """The error of an unknown parameter; on a list it is taken for a filter."""
        return InvalidFilter if "limit" in self._names else ValidationError

    def check(self, request: Request) -> None:
        """Raise `error` (400) when the query has a parameter that the route doesn't know."""
        for name in request.query_params:
            if name not in self._names:
                unknown = FieldError(f"?{nameable(name)}", "unknown_parameter", "There is no such query parameter here")
                raise self.error(errors=[unknown])


def _names_in(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            yield from (field.alias or name for name, field in annotation.model_fields.items())
        else:
            yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _names_in(dependency)
