"""Routes that judge in the contract's order and read bodies and queries strictly.

FastAPI parses the body before any dependency runs, so that an anonymous caller's broken JSON would be
answered before the guard has seen him. A `ParleyRoute` remembers what is wrong with the body and says so
only after the dependencies have passed.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from email.message import Message as HeaderParser
from typing import Any

import pymongo
from fastapi import APIRouter, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_typed_return_annotation, get_typed_signature
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import from_json
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from parley_core.errors import (
    FieldError,
    InvalidFilter,
    ParleyError,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationError,
    nameable,
)

MAX_BODY_BYTES = 64 * 1024
_REQUEST = inspect.Parameter("parley_request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
_BROKEN_JSON = FieldError("#", "json_invalid", "Is not valid JSON")
_BROKEN_FORM = FieldError("#", "form_invalid", "Is not a valid form")


@dataclass(frozen=True)
class PublicRoute:
    """A route that anyone may call, declared through the hook `parley_public_routes`.

    Args:
        method: like `POST`.
        path: the full path, like `/v1/auth/login`; it may hold no participant scope's parameter.
        reason: why it stands open, one sentence for `parley policy`.
    """

    method: str
    path: str
    reason: str


class _DeferringRequest(Request):
    """A request whose body never raises: what is wrong with it stands in `refusal` until the guards have passed."""

    refusal: ParleyError | None = None

    async def stream(self) -> AsyncIterator[bytes]:  # type: ignore[override]
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                self.refusal = PayloadTooLarge()
                return
            yield chunk

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = b"".join([chunk async for chunk in self.stream()])
        return self._body

    async def json(self) -> Any:
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError:
            self.refusal = self.refusal or ValidationError(errors=[_BROKEN_JSON])
            return None

    async def _get_form(self, **limits: Any) -> FormData:
        try:
            return await super()._get_form(**limits)
        except HTTPException:
            self.refusal = self.refusal or ValidationError(errors=[_BROKEN_FORM])
            return FormData()


class ParleyRoute(APIRoute):
    """A route that answers 401, 404 and 403 before it says anything about the body, and knows its query parameters."""

    def __init__(self, path: str, endpoint: Callable[..., Awaitable[Any]], **options: Any) -> None:
        if not inspect.iscoroutinefunction(endpoint):
            raise TypeError(f"the endpoint of {path} must be an `async def` function that returns its answer")
        super().__init__(path, self._checked(endpoint), **options)
        self.query_names = frozenset(_query_names(self.dependant))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        expects_json = self.expects_json

        async def handle_in_order(received: Request) -> Response:
            request = _DeferringRequest(received.scope, received.receive)
            try:
                with pymongo.timeout(request.app.state.parley.request_timeout_seconds):
                    return await handle(request)
            except RequestValidationError as error:
                raise _refusal_of(request, expects_json=expects_json) or error from None

        return handle_in_order

    def _checked(self, endpoint: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The endpoint, called only when the query holds no unknown parameter and the body was readable."""
        signature = get_typed_signature(endpoint)
        # FastAPI gives the request to one parameter only; an endpoint that has one shares it.
        own = next((name for name, p in signature.parameters.items() if _is_request(p.annotation)), None)

        @functools.wraps(endpoint)
        async def checked(**values: Any) -> Any:
            request = values[own] if own else values.pop(_REQUEST.name)
            self._refuse_unknown_query(request)
            if isinstance(request, _DeferringRequest) and request.refusal:
                raise request.refusal
            return await endpoint(**values)

        parameters = list(signature.parameters.values())
        checked.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=parameters if own else [*parameters, _REQUEST],
            return_annotation=get_typed_return_annotation(endpoint),
        )
        return checked

    def _refuse_unknown_query(self, request: Request) -> None:
        for name in request.query_params:
            if name not in self.query_names:
                unknown = FieldError(f"?{nameable(name)}", "unknown_parameter", "There is no such query parameter here")
                raise (InvalidFilter if "limit" in self.query_names else ValidationError)(errors=[unknown])

    @property
    def expects_json(self) -> bool:
        """Whether the route takes a body and takes it as JSON."""
        return bool(self.dependant.body_params) and not any(
            isinstance(parameter.field_info, params.Form) for parameter in self.dependant.body_params
        )


class Router(APIRouter):
    """The router of a plugin: an `APIRouter` of `ParleyRoute`s whose operation ids are the functions' names.

    Args:
        prefix: the path below `/v1`, like `/interviews`.
        tag: the heading in the documentation.
        versioned: False mounts it at the root instead, where a standard fixes the address.
    """

    def __init__(self, *, prefix: str, tag: str, versioned: bool = True) -> None:
        self.versioned = versioned
        super().__init__(
            prefix=prefix,
            tags=[tag],
            route_class=ParleyRoute,
            generate_unique_id_function=lambda route: route.name,
        )

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Adds a route, of the class that the endpoint asks for (see `parley_core.caching.routes.cached`)."""
        if (wanted := getattr(endpoint, "route_class", None)) is not None:
            options["route_class_override"] = wanted
        super().add_api_route(path, endpoint, **options)


def _is_request(annotation: object) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, Request)


def _refusal_of(request: _DeferringRequest, *, expects_json: bool) -> ParleyError | None:
    """The reason behind a failed validation that FastAPI doesn't know: an unreadable body or one that isn't JSON."""
    if request.refusal or not expects_json or not getattr(request, "_body", b""):
        return request.refusal
    return None if _is_json(request.headers.get("content-type", "")) else UnsupportedMediaType()


def _is_json(content_type: str) -> bool:
    header = HeaderParser()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _query_names(dependant: Dependant) -> set[str]:
    names = set()
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            names |= {field.alias or name for name, field in annotation.model_fields.items()}
        else:
            names.add(parameter.alias)
    return names.union(*(_query_names(d) for d in dependant.dependencies))
