"""The OpenAPI document lists what each operation takes and answers in fact, but no 422, which never happens."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from parley_core.errors import (
    FRAMEWORK_ERRORS,
    HeadersTooLarge,
    MethodNotAllowed,
    ParleyError,
    PayloadTooLarge,
    RequestTimeout,
    Unavailable,
    UnsupportedMediaType,
    ValidationError,
)
from parley_core.http.document.headers import add_headers, add_not_modified, add_success_headers
from parley_core.http.document.names import KnowsNames, fill_in_names, names_of
from parley_core.http.document.parameters import describe_parameters, guarded_schemas
from parley_core.http.document.schemas import complete_schemas
from parley_core.http.extended_problems import ExtendedRoute
from parley_core.http.framework import RouteContext, original_of, routes_of
from parley_core.http.problems import MEDIA_TYPE, MoreMembers, problem_of
from parley_core.http.requests import Composition
from parley_core.http.routing import ParleyRoute
from parley_core.http.sent_headers import ON_EVERY_ANSWER, SentHeader, header_of_errors, headers_of

# Every operation refers to them: to a method that its address lacks, and to a head that is too large.
_EVERYWHERE = {str(error.status): error for error in (MethodNotAllowed, HeadersTooLarge)}
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
        "trace_id": {"type": "string", "description": "The OpenTelemetry trace, where the server sends any."},
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


def install_openapi(app: FastAPI, prepare: Callable[[], object], *, more_headers: Sequence[SentHeader] = ()) -> None:
    """Make `app.openapi()` list what every route that Parley mounted takes and answers.

    Args:
        app: the application.
        prepare: called before the document is made: what guards answer is known once the routes are checked, which an
            offline export hasn't done yet.
        more_headers: what every answer has by setting.
    """
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            prepare()
            schema, app.openapi_schema = plain(), None
            _document(app.state.parley, schema, routes_of(app), (*ON_EVERY_ANSWER, *more_headers))
            fill_in_names(schema, names_of([*app.state.parley.services(KnowsNames), app.state.parley.events]))
            schema.setdefault("servers", [{"url": app.root_path or "/"}])
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
    found |= {ValidationError, original.query.error}
    if not getattr(original.endpoint, "needs_nothing", False):
        found.add(Unavailable)
    return sorted(found, key=lambda error: (error.status, error.code))


def _declared(composition: Composition, dependant: Dependant) -> Iterator[type[ParleyError]]:
    """Yield the errors in `errors` (see `raises`), and those of `errors_in` where only the composition knows them."""
    yield from getattr(dependant.call, "errors", ())
    if errors_in := getattr(dependant.call, "errors_in", None):
        yield from errors_in(composition)
    for dependency in dependant.dependencies:
        yield from _declared(composition, dependency)


def _document(
    composition: Composition, schema: dict[str, Any], routes: Sequence[RouteContext], always: Sequence[SentHeader]
) -> None:
    documented: set[type[ParleyError]] = set(FRAMEWORK_ERRORS)
    tags: dict[str, str] = {}
    for route in routes:
        original = original_of(route)
        if not isinstance(original, ParleyRoute) or not route.include_in_schema:
            continue
        tags |= {name: text for name, text in original.headings.items() if text or name not in tags}
        operations = schema["paths"][route.path_format]
        # It is what GET is, without a body.
        operations.pop("head", None)
        for method in operations.keys() & {method.lower() for method in route.methods or ()}:
            documented.update(errors := errors_of(composition, route))
            _complete(composition, schema, operations[method], route, errors=errors, always=always)
    _add_common(schema, documented, tags, always, routes)


def _complete(
    composition: Composition,
    schema: dict[str, Any],
    operation: dict[str, Any],
    route: RouteContext,
    *,
    errors: Sequence[type[ParleyError]],
    always: Sequence[SentHeader],
) -> None:
    responses, original, path = operation["responses"], original_of(route), route.path_format or ""
    responses.pop("422", None)
    describe_parameters(operation, path, guarded=guarded_schemas(composition, route.dependant, path))
    operation.setdefault("security", [])
    if getattr(original, "knows_entity_tags", False):
        add_not_modified(operation)
    sources = (original, getattr(original, "response_class", None))
    of_class = [header for source in sources for header in getattr(source, "sent_headers", ())]
    add_success_headers(schema, responses, [*always, *of_class, *headers_of(route.dependant)])
    responses.update(_responses(errors, _more_of(route)))
    for status, response in responses.items():
        sent = {name for error in errors if str(error.status) == status for name in error.sends}
        add_headers(schema, response, [*always, *map(header_of_errors, sent)] if status >= "4" else ())
    responses.update({code: {"$ref": f"#/components/responses/{e.__name__}"} for code, e in _EVERYWHERE.items()})
    operation["responses"] = dict(sorted(responses.items()))


def _add_common(
    schema: dict[str, Any],
    documented: Iterable[type[ParleyError]],
    tags: dict[str, str],
    always: Sequence[SentHeader],
    routes: Sequence[RouteContext],
) -> None:
    """Add what all operations share: the schemas of problems, two responses, the tags, and the servers."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = {**_PROBLEM, "properties": {**_PROBLEM["properties"], "code": _codes(documented)}}  # type: ignore[dict-item]
    schemas.update(_extended(schemas["Problem"], routes))
    for error in _EVERYWHERE.values():
        components.setdefault("responses", {})[error.__name__] = (response := _response([error], None))
        add_headers(schema, response, [*always, *map(header_of_errors, error.sends)])
    known = {tag["name"] for tag in schema.setdefault("tags", [])}
    schema["tags"] += [{"name": name, "description": text} for name, text in tags.items() if name not in known]
    complete_schemas(schema)


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
