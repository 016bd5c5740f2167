"""The OpenAPI document lists each operation's real errors and path parameters, but no 422, which never happens."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from parley_core.errors import (
    FRAMEWORK_ERRORS,
    ParleyError,
    PayloadTooLarge,
    RequestTimeout,
    Unavailable,
    UnsupportedMediaType,
    ValidationError,
)
from parley_core.http.extended_problems import ExtendedRoute
from parley_core.http.framework import RouteContext, original_of, routes_of
from parley_core.http.problems import MEDIA_TYPE, MoreMembers, problem_of
from parley_core.http.requests import Composition
from parley_core.http.routing import ParleyRoute

_PARAMETER = re.compile(r"{(\w+)}")
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details. Switch on `code`.",
    "required": ["type", "title", "status", "detail", "instance", "code", "category", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "category": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "message")},
            },
        },
    },
}


def install_openapi(app: FastAPI, prepare: Callable[[], object]) -> None:
    """Make `app.openapi()` list the errors and path parameters of every route that Parley mounted.

    Args:
        app: the application.
        prepare: called before the document is made: what guards answer is known once the routes are checked, which an
            offline export hasn't done yet.
    """
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            prepare()
            schema, app.openapi_schema = plain(), None
            _document(app.state.parley, schema, routes_of(app))
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def errors_of(composition: Composition, route: RouteContext) -> list[type[ParleyError]]:
    """Return the errors that a route declares: its own, those of its dependencies, those of its body and query."""
    found = set(_declared(composition, route.dependant))
    original = original_of(route)
    if not isinstance(original, ParleyRoute):
        raise TypeError(f"{route.path} is no route of a parley_core.Router")
    if original.reads_body:
        found |= {PayloadTooLarge, RequestTimeout}
    if original.expects_json:
        found.add(UnsupportedMediaType)
    found |= {ValidationError, original.query.error, Unavailable}
    return sorted(found, key=lambda error: (error.status, error.code))


def _declared(composition: Composition, dependant: Dependant) -> Iterator[type[ParleyError]]:
    """Yield the errors in `errors` (see `raises`), and those of `errors_in` where only the composition knows them."""
    yield from getattr(dependant.call, "errors", ())
    if errors_in := getattr(dependant.call, "errors_in", None):
        yield from errors_in(composition)
    for dependency in dependant.dependencies:
        yield from _declared(composition, dependency)


def _document(composition: Composition, schema: dict[str, Any], routes: Sequence[RouteContext]) -> None:
    documented: set[type[ParleyError]] = set(FRAMEWORK_ERRORS)
    for route in routes:
        if not isinstance(original_of(route), ParleyRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = schema["paths"][route.path_format][method.lower()]
            errors = errors_of(composition, route)
            documented.update(errors)
            operation["responses"].pop("422", None)
            operation["responses"].update(_responses(errors, _more_of(route)))
            _add_path_parameters(operation, route.path_format or "")
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = {**_PROBLEM, "properties": {**_PROBLEM["properties"], "code": _codes(documented)}}  # type: ignore[dict-item]
    schemas.update(_extended(schemas["Problem"], routes))
    # A host's own routes may still name them.
    for name in ("HTTPValidationError", "ValidationError"):
        if f'"#/components/schemas/{name}"' not in json.dumps(schema):
            schemas.pop(name, None)


def _add_path_parameters(operation: dict[str, Any], path: str) -> None:
    """Document the parameters that the path has and the endpoint doesn't take, since its guard has read them."""
    given = operation.get("parameters", [])
    known = {parameter["name"] for parameter in given if parameter["in"] == "path"}
    added = [_path_parameter(name) for name in _PARAMETER.findall(path) if name not in known]
    if added:
        operation["parameters"] = [*added, *given]


def _path_parameter(name: str) -> dict[str, Any]:
    title = name.replace("_", " ").title()
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "title": title}}


def _codes(errors: Iterable[type[ParleyError]]) -> dict[str, Any]:
    return {"type": "string", "enum": sorted({error.code for error in errors})}


def _more_of(route: RouteContext) -> MoreMembers | None:
    original = original_of(route)
    return original.more_members if isinstance(original, ExtendedRoute) else None


def _extended(problem: dict[str, Any], routes: Iterable[RouteContext]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the schemas of problems that have more members, each with its name."""
    for more in filter(None, map(_more_of, routes)):
        properties, required = {**problem["properties"], **more.properties}, [*problem["required"], *more.required]
        yield more.title, {**problem, "title": more.title, "required": required, "properties": properties}


def _responses(errors: Sequence[type[ParleyError]], more: MoreMembers | None) -> dict[str, Any]:
    statuses = {error.status for error in errors}
    return {str(status): _response([e for e in errors if e.status == status], more) for status in statuses}


def _response(errors: Sequence[type[ParleyError]], more: MoreMembers | None) -> dict[str, Any]:
    examples = {e.code: {**problem_of(e(), "4f3c2b1a"), **(more.of(e()) if more else {})} for e in errors}
    return {
        "description": "; ".join(f"`{error.code}`: {error.title}" for error in errors),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": f"#/components/schemas/{more.title if more else 'Problem'}"},
                "examples": {code: {"value": problem} for code, problem in examples.items()},
            }
        },
    }
