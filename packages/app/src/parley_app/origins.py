"""What an origin looks like; on its own, since settings are read without what serves requests."""

import re

ANY = "*"
_DEFAULT_PORTS = {"http": "80", "https": "443"}
# As browsers send it: a host in lower case and in ASCII, or an IPv6 address; no port where it is the usual one.
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")


def is_origin(word: str) -> bool:
    """Return whether a browser sends this as `Origin`: scheme and host, a port unless it is the scheme's own."""
    if not (match := _ORIGIN.fullmatch(word)):
        return False
    scheme, port = match.groups()
    return port is None or (port != _DEFAULT_PORTS.get(scheme) and int(port) < 2**16)
