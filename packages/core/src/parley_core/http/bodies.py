"""Request bodies: what is wrong with one is answered only after the guards have passed."""

import asyncio
from collections.abc import Collection
from email.message import Message as HeaderParser
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from parley_core.errors import (
    FieldError,
    ParleyError,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
    ValidationError,
)
from parley_core.http.json_text import read_json
from parley_core.http.limits import RequestLimits
from parley_core.http.parameters import repeated_in
from parley_core.pointers import pointer_to

MOST_PARAMETERS = 200
"""Parameters in a query at most, repeated ones counted each time."""

_KEY = "parley.body_unread"
_BROKEN_FORM = FieldError("#", "form_invalid", "Is not a valid form")
_CUT_OFF = FieldError("#", "incomplete", "Ended before it was complete")
_TOO_MANY = FieldError("?", "too_many_parameters", f"Must have at most {MOST_PARAMETERS} parameters")


class DeferredRequest(Request):
    """A request whose body and query never raise: what is wrong with them is kept in `refusal`.

    Args:
        scope: the request's scope.
        receive: where the body comes from.
        limits: what the request may use up.
        lists: the names of form fields that may be repeated.
    """

    is_admitted = False
    """Whether nothing was wrong with the request, so that the endpoint decides what it is answered with."""

    def __init__(self, scope: Scope, receive: Receive, *, limits: RequestLimits, lists: Collection[str] = ()) -> None:
        super().__init__(scope, receive)
        self.refusal: ParleyError | None = None
        self._limits = limits
        self._lists = lists
        self._body = b""

    async def load(self, most: int) -> None:
        """Read the body, at most so many bytes; when more are announced, none is read."""
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                self._body = await self._read(most)
        except ClientDisconnect:
            self.refusal = ValidationError(errors=[_CUT_OFF])
        except (TimeoutError, PayloadTooLarge) as error:
            self.refusal = error if isinstance(error, PayloadTooLarge) else RequestTimeout()
            self.scope[_KEY] = True

    async def _read(self, most: int) -> bytes:
        announced = self.headers.get("content-length", "")
        size, body, more = int(announced) if announced.isdecimal() else 0, bytearray(), True
        while more and size <= most:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            size, more = len(body), message.get("more_body", False)
        if size > most:
            raise PayloadTooLarge(f"The body may have at most {most:,} bytes")
        return bytes(body)

    async def json(self) -> Any:
        try:
            return read_json(self._body, most_values=self._limits.body_values)
        except ValidationError as error:
            self.refusal = self.refusal or error
            return None

    async def _get_form(self, **limits: Any) -> FormData:
        try:
            form = await super()._get_form(**limits)
        except HTTPException:
            self.refusal = self.refusal or ValidationError(errors=[_BROKEN_FORM])
            return FormData()
        if repeated := repeated_in(form.multi_items(), self._lists):
            errors = [FieldError(pointer_to((name,)), "duplicate_key", "Must be given once") for name in repeated]
            self.refusal = ValidationError(errors=errors)
        return form

    @property
    def query_params(self) -> QueryParams:
        if self.scope["query_string"].count(b"&") < MOST_PARAMETERS:
            return super().query_params
        self.refusal = self.refusal or ValidationError(errors=[_TOO_MANY])
        return QueryParams()

    def reason_against(self, *, expects_json: bool) -> ParleyError | None:
        """Return why validation failed where FastAPI can't know it: an unreadable body, or one that isn't JSON."""
        if self.refusal or not expects_json or not self._body:
            return self.refusal
        return None if _is_json(self.headers.get("content-type", "")) else UnsupportedMediaType()


def is_unread(scope: Scope) -> bool:
    """Return whether some of the request's body was left unread, so that the connection can't be used again."""
    return _KEY in scope


def _is_json(content_type: str) -> bool:
    header = HeaderParser()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
