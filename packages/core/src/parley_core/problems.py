"""Every 4xx and 5xx as `application/problem+json` (RFC 9457), framework-made ones included."""

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException

from parley_core.database import is_unavailable
from parley_core.errors import (
    FieldError,
    InternalError,
    MethodNotAllowed,
    ParleyError,
    PayloadTooLarge,
    RouteNotFound,
    Unavailable,
    UnsupportedMediaType,
    ValidationError,
)
from parley_core.requests import request_id_of

MEDIA_TYPE = "application/problem+json"
_NAMEABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_OF_STATUS: Mapping[int, type[ParleyError]] = {
    404: RouteNotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    500: InternalError,
    503: Unavailable,
}
_log = logging.getLogger("parley.errors")


def problem_of(error: ParleyError, request_id: str) -> dict[str, Any]:
    """The problem document of an error."""
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
    if error.errors:
        problem["errors"] = [{"pointer": e.pointer, "code": e.code, "message": e.message} for e in error.errors]
    return problem


def validation_error_of(errors: Iterable[Mapping[str, Any]]) -> ValidationError:
    """What FastAPI's validation found, without the input that it found it in."""
    return ValidationError(errors=[FieldError(_pointer(e["loc"]), e["type"], _message(e)) for e in errors])


def install_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error as a problem."""
    app.add_exception_handler(ParleyError, _on_parley_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(PyMongoError, _on_database_error)
    app.add_exception_handler(Exception, _on_unexpected)


def _render(request: Request, error: ParleyError, headers: Mapping[str, str] | None = None) -> Response:
    request_id = request_id_of(request.scope)
    body = json.dumps(problem_of(error, request_id), ensure_ascii=False).encode()
    return Response(
        body,
        error.status,
        {**(headers or {}), **error.headers, "X-Request-ID": request_id, "Cache-Control": "no-store"},
        MEDIA_TYPE,
    )


async def _on_parley_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ParleyError)
    return _render(request, error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _render(request, validation_error_of(error.errors()))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == MethodNotAllowed.status:
        headers["Allow"] = ", ".join(_methods_at(request))
    return _render(request, _OF_STATUS.get(error.status_code, ValidationError)(), headers)


async def _on_database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PyMongoError)
    if is_unavailable(error):
        _log.warning("MongoDB did not answer: %s, request %s", type(error).__name__, request_id_of(request.scope))
        return _render(request, Unavailable())
    return await _on_unexpected(request, error)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    _log.error("unexpected error, request %s", request_id_of(request.scope), exc_info=error)
    return _render(request, InternalError())


def _methods_at(request: Request) -> Sequence[str]:
    """Every method that the address offers; Starlette names only those of the first route that matches."""
    path = request.scope["path"]
    found = set()
    for context in iter_route_contexts(request.app.routes):
        if (regex := getattr(context, "path_regex", None)) is not None and regex.match(path):
            found |= context.methods or set()
    return sorted(found)


def _pointer(location: Sequence[int | str]) -> str:
    source, *path = location or ("body",)
    if source == "body":
        return "#" + "".join(f"/{_name(part)}" for part in path)
    return "?" + ".".join(_name(part) for part in path)


def _name(part: int | str) -> str:
    """A part of a location, unless it is a caller's own invention that isn't fit to be repeated."""
    return str(part) if isinstance(part, int) or _NAMEABLE.fullmatch(part) else "?"


def _message(error: Mapping[str, Any]) -> str:
    # The messages of these types quote the input.
    if error["type"] in {"value_error", "json_invalid"}:
        return "Is not valid"
    return str(error["msg"])
