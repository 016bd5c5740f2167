"""The names of a route's parameters: which ones there are, and which may be given more than once."""

import inspect
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from parley_core.errors import FieldError, InvalidFilter, ValidationError
from parley_core.pointers import nameable

_LISTS = frozenset({list, set, frozenset, tuple, Sequence})


class QueryNames:
    """The names of a route's query parameters.

    Args:
        dependant: what the route depends on.
    """

    def __init__(self, dependant: Dependant) -> None:
        parameters = [*_parameters_of(dependant, "query_params")]
        self._names = frozenset(name for name, _ in _names_of(parameters))
        self._lists = lists_among(parameters)

    @property
    def error(self) -> type[ValidationError]:
        """The error of an unknown parameter; on a list it is taken for a filter."""
        return InvalidFilter if "limit" in self._names else ValidationError

    def check(self, request: Request) -> None:
        """Check the names in a query.

        Raises:
            ValidationError: one is unknown (then it is `error`), or is repeated and takes one value.
        """
        query = request.query_params
        for name in query:
            if name not in self._names:
                unknown = FieldError(f"?{nameable(name)}", "unknown_parameter", "There is no such query parameter here")
                raise self.error(errors=[unknown])
        if repeated := repeated_in(query.multi_items(), self._lists):
            raise repeated_error(repeated)


class HeaderNames:
    """The names of the headers that a route takes, as long as each has one value.

    Args:
        dependant: what the route depends on.
    """

    def __init__(self, dependant: Dependant) -> None:
        parameters = [*_parameters_of(dependant, "header_params")]
        lists = lists_among(parameters)
        single = (name for name, _ in _names_of(parameters) if name not in lists)
        self._single = {name.replace("_", "-").lower().encode(): name for name in single}

    def check(self, request: HTTPConnection) -> None:
        """Check the headers of a request; raise `ValidationError` where one of them is sent twice."""
        if self._single:
            sent = Counter(name for name, _ in request.scope["headers"])
            if repeated := [name for raw, name in self._single.items() if sent[raw] > 1]:
                raise repeated_error(repeated)


def repeated_error(names: Iterable[str]) -> ValidationError:
    """Return the error of query parameters or headers that take one value and were given several."""
    errors = [FieldError(f"?{name}", "repeated_parameter", "Must be given once") for name in names]
    return ValidationError(errors=errors)


def lists_among(parameters: Iterable[Any]) -> frozenset[str]:
    """Return the names of those of FastAPI's parameters that take a list and may be repeated."""
    return frozenset(name for name, annotation in _names_of(parameters) if _is_list(annotation))


def repeated_in(items: Iterable[tuple[str, Any]], lists: Collection[str]) -> list[str]:
    """Return the names that stand in `items` more than once and aren't among the lists."""
    counts = Counter(name for name, _ in items)
    return [name for name, count in counts.items() if count > 1 and name not in lists]


def _parameters_of(dependant: Dependant, kind: str) -> Iterator[Any]:
    """Yield the parameters of a kind, like `query_params`, also those of dependencies."""
    yield from getattr(dependant, kind)
    for dependency in dependant.dependencies:
        yield from _parameters_of(dependency, kind)


def _names_of(parameters: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield each name with what it takes; a model stands for its fields."""
    for parameter in parameters:
        annotation = parameter.field_info.annotation
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            yield from ((field.alias or name, field.annotation) for name, field in annotation.model_fields.items())
        else:
            yield parameter.alias, annotation


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return any(map(_is_list, get_args(annotation)))
    return (get_origin(annotation) or annotation) in _LISTS
