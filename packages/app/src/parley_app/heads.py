"""What makes a request one of HTTP/1.1 or HTTP/1.0 (RFC 9112, 2.3 and 3.2)."""

import re
from collections.abc import Iterator, Sequence

from parley_core import ParleyError
from parley_core.errors import ValidationError

_VERSIONS = {"1.0", "1.1"}
# RFC 3986, 3.2.2: a name, an IPv4 address or something in brackets.
_HOST = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]*|\[[\w:.%~-]+\])(?::\d*)?", re.ASCII)


class _Nowhere:
    """Takes the place of a list of headers when there are none to come."""

    def append(self, _: object) -> None:
        """Drop it."""

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(())


NOWHERE = _Nowhere()


def is_sound(version: str, hosts: Sequence[bytes]) -> bool:
    """Return whether a version is one of these, and `Host` is sent exactly once and is one."""
    return len(hosts) == 1 and bool(_HOST.fullmatch(hosts[0])) and version in _VERSIONS


def refusal_of(version: str, hosts: Sequence[bytes]) -> ParleyError | None:
    """Return why a request of this version and with these `Host` headers is none, None for one that is."""
    if version not in _VERSIONS:
        return ValidationError("This server speaks HTTP/1.1 and HTTP/1.0")
    if is_sound(version, hosts) or (not hosts and version == "1.0"):
        return None
    return ValidationError("The header Host must be sent exactly once, as a host with or without a port")
