"""Parameters as a request has them: never null, a header as one line, an id as the guard reads it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi.dependencies.models import Dependant

from parley_core.http.requests import Composition

_PARAMETER = re.compile(r"{(\w+)}")
_DIGITS = "^[0-9]{1,18}$"
Schema = dict[str, Any]


def describe_parameters(operation: dict[str, Any], path: str, *, guarded: Mapping[str, Schema]) -> None:
    """Complete the parameters of an operation.

    Those that the path has and the endpoint doesn't take, since its guard has read them, are added. None is null,
    which nobody can send, and a header is one string.

    Args:
        operation: the operation as FastAPI describes it.
        path: its path.
        guarded: the schemas of those path parameters that guards check.
    """
    given = operation.get("parameters", [])
    known = {parameter["name"] for parameter in given if parameter["in"] == "path"}
    added = [_path_parameter(name) for name in _PARAMETER.findall(path) if name not in known]
    for parameter in (found := [*added, *given]):
        schema = _without_null(parameter["schema"])
        if parameter["in"] == "header":
            schema = _as_header(schema)
        if parameter["in"] == "path":
            schema |= guarded.get(parameter["name"], {})
        parameter["schema"] = schema
    if found:
        operation["parameters"] = found


def guarded_schemas(composition: Composition, dependant: Dependant, path: str) -> dict[str, Schema]:
    """Return the schemas of the path parameters that the dependencies of a route check before the endpoint is called.

    A dependency says it with a method `path_schemas(composition, names)`.
    """
    names = _PARAMETER.findall(path)
    return {name: schema for found in _schemas(composition, dependant, names) for name, schema in found.items()}


def _schemas(composition: Composition, dependant: Dependant, names: Sequence[str]) -> Iterator[Mapping[str, Schema]]:
    if path_schemas := getattr(dependant.call, "path_schemas", None):
        yield path_schemas(composition, names)
    for dependency in dependant.dependencies:
        yield from _schemas(composition, dependency, names)


def _path_parameter(name: str) -> dict[str, Any]:
    title = name.replace("_", " ").title()
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "title": title}}


def _without_null(schema: Schema) -> Schema:
    """Return a schema of all but null, as which no text of an address or a header is read."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if not kinds:
        return rest
    return {**kinds[0], **rest} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _as_header(schema: Schema) -> Schema:
    kept = {name: value for name, value in schema.items() if name in {"title", "description", "pattern", "format"}}
    if schema.get("type") == "integer":
        kept["pattern"] = _DIGITS if schema.get("minimum", -1) >= 0 else "^-?[0-9]{1,18}$"
    return {**kept, "type": "string"}
