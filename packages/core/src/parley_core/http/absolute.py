"""Absolute addresses, made for each answer: what they begin with is the request's, never kept.

In the header `Link` a list writes its addresses as paths below the prefix of a proxy, and each answer gets the
beginning that its caller sees.
"""

import functools

from starlette.types import Scope

from parley_core.http.hosts import is_host
from parley_core.http.requests import Composition, in_address

_OPENING = b"</"
# An operator has a few names; a caller who invents more costs themselves a little time.
_MOST_KNOWN = 256


def parts_of(link: bytes) -> tuple[bytes, ...]:
    """Return what stands around the beginnings of the addresses in a `Link`, for `with_beginnings`."""
    return tuple(link.split(_OPENING))


def with_beginnings(parts: tuple[bytes, ...], composition: Composition, scope: Scope) -> bytes:
    """Return the `Link` for one request.

    Its addresses begin with `PARLEY_PUBLIC_URL`. Unset, with the request's scheme and `Host`; where that isn't a host
    with or without a port (RFC 3986) the addresses are paths.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    host = hosts[0] if len(hosts) == 1 else b""
    return _opening(composition.public_url, scope.get("scheme", "http"), host, scope.get("root_path", "")).join(parts)


def address_of(path: str, composition: Composition, scope: Scope) -> str:
    """Return the address of a route's path for one request; it begins as those in its `Link` do."""
    parts = (b"", in_address(path).removeprefix("/").encode())
    return with_beginnings(parts, composition, scope).decode("latin-1").removeprefix("<")


@functools.lru_cache(maxsize=_MOST_KNOWN)
def _opening(public_url: str | None, scheme: str, host: bytes, root_path: str) -> bytes:
    prefix = in_address(root_path)
    if public_url is not None:
        # The prefix that the URL has is what its operator wants to be written.
        has_path = "/" in public_url.partition("://")[2]
        return f"<{public_url}{'' if has_path else prefix}/".encode()
    if not is_host(host):
        return f"<{prefix}/".encode()
    return b"<%b://%b%b/" % (scheme.encode(), host, prefix.encode())
