"""The errors of Parley: what stops a start, and what a request can be answered with.

A `ParleyError` carries its status and its wire code as class data; `parley_core.http.problems` renders them
all as RFC 9457 problem documents, so that endpoints need no `try`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

_CATEGORY_OF = {401: "authentication", 403: "authorization"}
_STATUS_OF = {"authentication": 401, "authorization": 403, "business_rule": 400}
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


class StartupError(Exception):
    """The application can't start. The message is one line that names the culprit and says what to do."""


@dataclass(frozen=True)
class FieldError:
    """One entry of a problem's `errors`.

    `pointer` is a JSON pointer into the body (`#/title`) or the name of a query parameter (`?limit`).
    """

    pointer: str
    code: str
    message: str


class ParleyError(Exception):
    """An error that a request is answered with.

    Subclasses set `status`, `code` and `title`; `category` comes with the base class they choose: `authentication`
    exactly with 401, `authorization` exactly with 403, `business_rule` with 400. `sends` names the headers that its
    answers have, for OpenAPI.
    The detail is shown to the caller: it never contains input, driver text or anybody's e-mail.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str]
    sends: ClassVar[Sequence[str]] = ()

    def __init_subclass__(cls) -> None:
        status, category = getattr(cls, "status", None), getattr(cls, "category", None)
        if status is None or category is None:
            return
        if _CATEGORY_OF.get(status, category) != category or _STATUS_OF.get(category, status) != status:
            raise TypeError(f"{cls.__name__}: category '{category}' doesn't go with status {status}")

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class AuthenticationError(ParleyError):
    """The caller isn't authenticated: 401, always with `WWW-Authenticate` (RFC 9110, 11.6.1)."""

    status = 401
    category = "authentication"
    sends = ("WWW-Authenticate",)


class AuthorizationError(ParleyError):
    """The caller is authenticated and not permitted: 403."""

    status = 403
    category = "authorization"


class NotFoundError(ParleyError):
    """The resource doesn't exist, or the caller isn't shown that it does: 404."""

    status = 404
    category = "not_found"


class BusinessRuleError(ParleyError):
    """A well-formed request that a rule of the domain refuses: 400."""

    status = 400
    category = "business_rule"


class ValidationError(ParleyError):
    """Malformed input: 400."""

    status = 400
    category = "validation"
    code = "validation_error"
    title = "The request is not valid"


class InvalidId(ValidationError):
    code = "invalid_id"
    title = "An id is 24 lower-case hexadecimal digits"


class InvalidSort(ValidationError):
    code = "invalid_sort"
    title = "This list does not offer that sort order"


class InvalidFilter(ValidationError):
    code = "invalid_filter"
    title = "This list does not offer that filter"


class InvalidCursor(ValidationError):
    code = "invalid_cursor"
    title = "The cursor does not come from this list: start again without it"


class PositionAhead(ValidationError):
    """A reader is further than what they read: it was restored from a backup, or the place is that of another one."""

    code = "position_ahead"
    title = "Nothing is known of this position, since the log ends before it: begin again from 0"


class RouteNotFound(NotFoundError):
    code = "not_found"
    title = "There is nothing at this address"


class MethodNotAllowed(ParleyError):
    status = 405
    code = "method_not_allowed"
    title = "This address does not support that method"
    category = "validation"
    sends = ("Allow",)


class PreconditionFailed(ParleyError):
    """`If-Match` names another version than the stored one (RFC 9110, 13.1.1)."""

    status = 412
    code = "precondition_failed"
    title = "The resource has changed since the version named in If-Match: read it again"
    category = "conflict"


class PayloadTooLarge(ParleyError):
    status = 413
    code = "payload_too_large"
    title = "The body is too large"
    category = "validation"


class RequestTimeout(ParleyError):
    """The body took too long to arrive (RFC 9110, 15.5.9)."""

    status = 408
    code = "request_timeout"
    title = "The body did not arrive in time: send it again, on a faster connection"
    category = "validation"


class HeadersTooLarge(ParleyError):
    """The head of a request is larger than the server reads (RFC 6585, 5)."""

    status = 431
    code = "headers_too_large"
    title = "The address and the headers are larger than this server reads"
    category = "validation"


class UnsupportedMediaType(ParleyError):
    status = 415
    code = "unsupported_media_type"
    title = "The body must be sent as application/json"
    category = "validation"


class RateLimitError(ParleyError):
    """Too many requests: 429, with `Retry-After` in seconds (RFC 6585, section 4)."""

    status = 429
    category = "rate_limit"
    sends = ("Retry-After",)


class TooManyStreams(RateLimitError):
    code = "too_many_streams"
    title = "You have too many open streams: close one of them, or wait for the time in Retry-After"


class ConflictError(ParleyError):
    """The request conflicts with another one that is still running: 409."""

    status = 409
    category = "conflict"


class InternalError(ParleyError):
    status = 500
    code = "internal_error"
    title = "An unexpected error occurred: the operator finds it in the log by the request id"
    category = "server"


class Unavailable(ParleyError):
    """The database did not answer in time: 503, with `Retry-After` in seconds."""

    status = 503
    code = "unavailable"
    title = "The service can't answer right now: try again after the seconds in Retry-After"
    category = "server"
    sends = ("Retry-After",)

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


FRAMEWORK_ERRORS: tuple[type[ParleyError], ...] = (RouteNotFound, MethodNotAllowed, HeadersTooLarge, InternalError)
"""Errors that no operation lists as its own, since any request can meet them."""


def raises(*errors: type[ParleyError]) -> Callable[[AnyFunction], AnyFunction]:
    """Declare the errors that an endpoint or a dependency answers with; OpenAPI lists them."""

    def declare(function: AnyFunction) -> AnyFunction:
        function.errors = errors  # type: ignore[attr-defined]
        return function

    return declare


def needs_nothing(function: AnyFunction) -> AnyFunction:
    """Declare that an endpoint answers whatever is away, so that OpenAPI lists no 503 for it."""
    function.needs_nothing = True  # type: ignore[attr-defined]
    return function
