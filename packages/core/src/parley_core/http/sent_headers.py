"""The headers of answers, as endpoints, dependencies, routes and errors declare them for the OpenAPI document."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from fastapi.dependencies.models import Dependant

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


@dataclass(frozen=True)
class SentHeader:
    """A header that answers have.

    Args:
        name: like `ETag`.
        description: what it says; a sentence.
        type: the JSON type of its value.
        statuses: the statuses of the answers that have it; none means every success.
    """

    name: str
    description: str
    type: str = "string"
    statuses: frozenset[int] = frozenset()


REQUEST_ID = SentHeader(
    "X-Request-ID",
    "The id of the request, as the server's log has it. Your own is kept if it is 1 to 64 of `A-Za-z0-9._-`.",
)
CACHE_CONTROL = SentHeader("Cache-Control", "Who may keep the answer and for how long (RFC 9111); mostly `no-store`.")
CONTENT_TYPE_OPTIONS = SentHeader("X-Content-Type-Options", "`nosniff`: the body is what `Content-Type` says.")
TRANSPORT_SECURITY = SentHeader(
    "Strict-Transport-Security", "How long browsers shall use HTTPS alone; sent over HTTPS."
)
ETAG = SentHeader(
    "ETag", "The version of what was answered, for `If-None-Match` and, where a write takes it, `If-Match`."
)
CACHE_STATUS = SentHeader(
    "Cache-Status", "Whether the server had the answer ready (RFC 9211), if the operator shows it."
)
VARY = SentHeader("Vary", "The request's headers on which the answer depends.")
LINK = SentHeader(
    "Link", "Other pages of the list by their relation (RFC 8288), such as `next`; absent if there are none."
)
LOCATION = SentHeader("Location", "The address of what was created.", statuses=frozenset({201}))
PRAGMA = SentHeader("Pragma", "`no-cache`, as RFC 6749 requires beside tokens.")
UNBUFFERED = SentHeader("X-Accel-Buffering", "`no`: nginx passes each event on at once.")
ON_EVERY_ANSWER = REQUEST_ID, CACHE_CONTROL, CONTENT_TYPE_OPTIONS
"""What `RequestLog` gives all answers of Parley's routes."""

_OF_ERRORS = {
    "Allow": SentHeader("Allow", "The methods that this address supports."),
    "Retry-After": SentHeader("Retry-After", "Seconds to wait before the next attempt.", "integer"),
    "WWW-Authenticate": SentHeader("WWW-Authenticate", "How to authenticate (RFC 9110, 11.6.1)."),
}


def sends(*headers: SentHeader) -> Callable[[AnyFunction], AnyFunction]:
    """Declare the headers that an endpoint or a dependency gives the answer; OpenAPI lists them."""

    def declare(function: AnyFunction) -> AnyFunction:
        function.sent_headers = headers  # type: ignore[attr-defined]
        return function

    return declare


def headers_of(dependant: Dependant) -> Iterator[SentHeader]:
    """Yield the headers that an endpoint and its dependencies declare with `sends`."""
    yield from getattr(dependant.call, "sent_headers", ())
    for dependency in dependant.dependencies:
        yield from headers_of(dependency)


def header_of_errors(name: str) -> SentHeader:
    """Return the header of an error by its name; see `ParleyError.sends`."""
    return _OF_ERRORS.get(name) or SentHeader(name, "Sent with this error.")
