"""Request bodies: what is wrong with one is answered only after the guards have passed."""

from collections.abc import AsyncIterator
from email.message import Message as HeaderParser
from typing import Any

from fastapi import Request
from pydantic_core import from_json
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from parley_core.errors import FieldError, ParleyError, PayloadTooLarge, UnsupportedMediaType, ValidationError

MAX_BODY_BYTES = 64 * 1024
_BROKEN_JSON = FieldError("#", "json_invalid", "Is not valid JSON")
_BROKEN_FORM = FieldError("#", "form_invalid", "Is not a valid form")


class DeferredRequest(Request):
    """A request whose body never raises: what is wrong with it is kept in `refusal`."""

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

    def reason_against(self, *, expects_json: bool) -> ParleyError | None:
        """Return why validation failed where FastAPI can't know it: an unreadable body, or one that isn't JSON."""
        if self.refusal or not expects_json or not getattr(self, "_body", b""):
            return self.refusal
        return None if _is_json(self.headers.get("content-type", "")) else UnsupportedMediaType()


def _is_json(content_type: str) -> bool:
    header = HeaderParser()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
