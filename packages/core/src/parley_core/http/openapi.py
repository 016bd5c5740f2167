"""The OpenAPI document lists each operation's real errors, and no 422 that never happens."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext

from parley_core.errors import (
    FRAMEWORK_ERRORS,
    InvalidFilter,
    ParleyError,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
    ValidationError,
)
from parley_core.http.problems import MEDIA_TYPE, problem_of
from parley_core.http.routing import ParleyRoute
from parley_core.kernel.checks import routes_of

if TYPE_CHECKING:
    from parley_core.kernel.application import Parley

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


def install_openapi(app: FastAPI) -> None:
    """Makes `app.openapi()` tell the errors of every route that Parley mounted."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            parley: Parley = app.state.parley
            # What guards answer is known once the composition is proved, which an offline export hasn't done yet.
            if not parley.is_verified:
                parley.verify(app)
            schema, app.openapi_schema = plain(), None
            _document(parley, schema, routes_of(app))
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def errors_of(parley: "Parley", route: RouteContext) -> list[type[ParleyError]]:
    """The errors that a route declares: its own, those of its dependencies, those of its body and query."""
    found = set(_declared(parley, route.dependant))
    if route.dependant.body_params:
        found |= {ValidationError, PayloadTooLarge}
        if route.original_route.expects_json:  # type: ignore[attr-defined]
            found.add(UnsupportedMediaType)
    names = route.original_route.query_names  # type: ignore[attr-defined]
    found |= {ValidationError} | ({InvalidFilter} if "limit" in names else set())
    return sorted(found | {Unavailable}, key=lambda error: (error.status, error.code))


def _declared(parley: "Parley", dependant: Dependant) -> Iterator[type[ParleyError]]:
    """Errors stand in `errors` (see `raises`), or are told by `errors_in` where only the composition knows them."""
    yield from getattr(dependant.call, "errors", ())
    if errors_in := getattr(dependant.call, "errors_in", None):
        yield from errors_in(parley)
    for dependency in dependant.dependencies:
        yield from _declared(parley, dependency)


def _document(parley: "Parley", schema: dict[str, Any], routes: Sequence[RouteContext]) -> None:
    documented: set[type[ParleyError]] = set(FRAMEWORK_ERRORS)
    for route in routes:
        if not isinstance(route.original_route, ParleyRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = schema["paths"][route.path_format][method.lower()]
            errors = errors_of(parley, route)
            documented.update(errors)
            operation["responses"].pop("422", None)
            operation["responses"].update(_responses(errors))
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = {**_PROBLEM, "properties": {**_PROBLEM["properties"], "code": _codes(documented)}}  # type: ignore[dict-item]
    # A host's own routes may still name them.
    for name in ("HTTPValidationError", "ValidationError"):
        if f'"#/components/schemas/{name}"' not in json.dumps(schema):
            schemas.pop(name, None)


def _codes(errors: Iterable[type[ParleyError]]) -> dict[str, Any]:
    return {"type": "string", "enum": sorted({error.code for error in errors})}


def _responses(errors: Sequence[type[ParleyError]]) -> dict[str, Any]:
    return {str(status): _response([e for e in errors if e.status == status]) for status in {e.status for e in errors}}


def _response(errors: Sequence[type[ParleyError]]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{error.code}`: {error.title}" for error in errors),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {e.code: {"value": problem_of(e(), "4f3c2b1a")} for e in errors},
            }
        },
    }
