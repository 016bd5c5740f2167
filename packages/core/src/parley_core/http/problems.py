"""Every 4xx and 5xx as `application/problem+json` (RFC 9457), framework-made ones included."""

import functools
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from parley_core.data.failures import DatabaseError, is_unavailable
from parley_core.errors import (
    FieldError,
    InternalError,
    MethodNotAllowed,
    ParleyError,
    PayloadTooLarge,
    RouteNotFound,
    Unavailable,
    ValidationError,
)
from parley_core.http.bodies import is_unread
from parley_core.http.framework import routes_of
from parley_core.http.requests import composition_of, methods_answered, path_of, request_id_of
from parley_core.log_lines import LogLine
from parley_core.pointers import pointer_to
from parley_core.telemetry import METER, trace_id

MEDIA_TYPE = "application/problem+json"
_MORE = "parley.more_members"
# Characters of a problem's `errors` at most, so that an answer stays below 8 KB.
_ROOM = 6500
_OF_STATUS: Mapping[int, type[ParleyError]] = {
    400: ValidationError,
    404: RouteNotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
}
_TRY_AGAIN_LATER = 1013
_CATEGORIES = {401: "authentication", 403: "authorization", 404: "not_found", 409: "conflict", 412: "conflict"}
# The messages of these types quote the input.
_QUOTING = {"assertion_error", "json_invalid", "union_tag_invalid", "uuid_parsing", "value_error"}
_ITEMS = re.compile(r"^(Value should have at (?:most|least) \d+) items? after validation, not \d+$")
# Some of these answers are made outside of what adds headers to all others.
_NEVER_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PROBLEMS = METER.create_counter("parley.problems", "{problem}", "Requests that were answered with a problem.")
Handler = Callable[[Request, Exception], Awaitable[Response]]
_log = logging.getLogger("parley.errors")


@dataclass(frozen=True)
class MoreMembers:
    """What the problems of a route have beside the members that all have (RFC 9457, 3.2).

    Args:
        title: the name of their schema in OpenAPI.
        properties: the JSON schema of each member, by its name.
        required: the names of those that are always there.
        of: returns the members of an error.
    """

    title: str
    properties: Mapping[str, Any]
    required: Sequence[str]
    of: Callable[[ParleyError], Mapping[str, str]]

    def add_to(self, scope: Scope) -> None:
        """Make every problem that answers this request have them."""
        scope[_MORE] = self


def problem_of(error: ParleyError, request_id: str, *, most_errors: int = 20) -> dict[str, Any]:
    """Return the problem document of an error, with so many entries in `errors` at most and below 8 KB."""
    problem: dict[str, Any] = {
        "type": f"urn:parley:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": f"urn:parley:request:{request_id}",
        "code": error.code,
        "category": error.category,
        "request_id": request_id,
    }
    if trace := trace_id():
        problem["trace_id"] = trace
    if error.errors:
        problem["errors"] = _entries(error.errors[:most_errors])
    return problem


def _entries(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = []
    room = _ROOM
    for error in errors:
        entry = {"pointer": error.pointer, "code": error.code, "message": error.message}
        room -= len(json.dumps(entry))
        if entries and room < 0:
            break
        entries.append(entry)
    return entries


async def refuse(error: ParleyError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or refuse a WebSocket, that doesn't get to any route."""
    if scope["type"] == "http":
        await problem_response(error, request_id_of(scope))(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})


def validation_error_of(errors: Iterable[Mapping[str, Any]]) -> ValidationError:
    """Return what FastAPI's validation found, without the input."""
    return ValidationError(errors=[FieldError(_pointer(e["loc"]), e["type"], _message(e)) for e in errors])


def install_handlers(app: FastAPI, answers_for: Callable[[Request], bool]) -> None:
    """Make `app` answer errors as problems; what its own routes raise by themselves is answered as before.

    Args:
        app: the application.
        answers_for: whether a request is Parley's to answer, rather than the application's own.
    """
    app.add_exception_handler(ParleyError, cast("Handler", _on_parley_error))
    app.exception_handlers.setdefault(DatabaseError, cast("Handler", _on_database_error))
    for kind, handler in (
        (RequestValidationError, _on_validation_error),
        (HTTPException, _on_http_exception),
        (Exception, _on_unexpected),
    ):
        theirs = app.exception_handlers.get(kind) or (app.exception_handlers.get(500) if kind is Exception else None)
        app.add_exception_handler(kind, _either(cast("Handler", handler), theirs, answers_for))


def _either(ours: Handler, theirs: Any, answers_for: Callable[[Request], bool]) -> Handler:
    async def handler(request: Request, error: Exception) -> Response:
        if theirs is None or answers_for(request):
            return await ours(request, error)
        answer = theirs(request, error)
        return cast("Response", await answer if inspect.isawaitable(answer) else answer)

    return handler


def _render(request: Request, error: ParleyError, headers: Mapping[str, str] | None = None) -> Response:
    sent = {**(headers or {}), "Connection": "close"} if is_unread(request.scope) else headers
    more: MoreMembers | None = request.scope.get(_MORE)
    request_id, members = request_id_of(request.scope), more.of(error) if more else {}
    return problem_response(error, request_id, sent, most_errors=_most_errors(request), more=members)


def problem_response(
    error: ParleyError,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    *,
    most_errors: int = 20,
    more: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a request that ended with this error, and count it; the error's own headers win.

    Args:
        error: what happened.
        request_id: the request.
        headers: headers that are sent too.
        most_errors: how many of the error's field errors are listed at most.
        more: members that the problem has besides.
    """
    _PROBLEMS.add(1, {"code": error.code})
    problem = {**problem_of(error, request_id, most_errors=most_errors), **(more or {})}
    body = json.dumps(problem, ensure_ascii=False).encode()
    sent = {**(headers or {}), **error.headers, "X-Request-ID": request_id, **_NEVER_KEPT}
    return Response(body, error.status, sent, MEDIA_TYPE)


def _most_errors(request: Request) -> int:
    return composition_of(request.scope).request_limits.errors_per_answer


async def _on_parley_error(request: Request, error: ParleyError) -> Response:
    return _render(request, error)


async def _on_validation_error(request: Request, error: RequestValidationError) -> Response:
    return _render(request, validation_error_of(error.errors()[: _most_errors(request)]))


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == MethodNotAllowed.status:
        headers["Allow"] = ", ".join(_methods_at(request))
    return _render(request, _error_of(error.status_code)(), headers)


@functools.cache
def _error_of(status: int) -> type[ParleyError]:
    """Return the error of a status that was raised by its number; the detail that came with it may quote the input."""
    if known := _OF_STATUS.get(status):
        return known
    category = _CATEGORIES.get(status) or ("server" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "validation")
    title = next((known.phrase for known in HTTPStatus if known == status), "The request failed")
    fields = {"status": status, "code": f"http_{status}", "title": title, "category": category}
    return type("HTTPError", (ParleyError,), fields)


async def _on_database_error(request: Request, error: DatabaseError) -> Response:
    if is_unavailable(error):
        line = LogLine(
            "database_unavailable",
            "MongoDB did not answer: {error}",
            error=type(error).__name__,
            request_id=request_id_of(request.scope),
        )
        _log.warning(line)
        return _render(request, Unavailable())
    return await _on_unexpected(request, error)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    line = LogLine("unexpected_error", "unexpected error", request_id=request_id_of(request.scope))
    _log.error(line, exc_info=error)
    return _render(request, InternalError())


def _methods_at(request: Request) -> Sequence[str]:
    """Return every method of the address; Starlette names only those of the first route that matches."""
    path = path_of(request.scope)
    found = set()
    for route in routes_of(request.app):
        if (regex := getattr(route, "path_regex", None)) is not None and regex.match(path):
            found |= methods_answered(route.methods or ())
    return sorted(found)


def _pointer(location: Sequence[int | str]) -> str:
    source, *path = location or ("body",)
    return pointer_to(path) if source == "body" else "?" + pointer_to(path)[2:].replace("/", ".")


def _message(error: Mapping[str, Any]) -> str:
    # pydantic reports the length of a text that was checked before as that of a list.
    return "Is not valid" if error["type"] in _QUOTING else _ITEMS.sub(r"\1 characters", str(error["msg"]))
