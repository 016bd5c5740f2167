"""What a host looks like in an address (RFC 3986); on its own, since settings are read without what serves requests."""

import re
from urllib.parse import urlsplit

_PLAIN = "A-Za-z0-9._~!$&'()*+,;="
_PORT = r"(?::[0-9]{1,5})?"
_HOST = rf"(?:(?:[{_PLAIN}-]|%[0-9A-Fa-f]{{2}})+|\[(?:[0-9A-Fa-f:.]+|v[0-9A-Fa-f]+\.[{_PLAIN}:-]+)\]){_PORT}"
_PATH = rf"(?:/(?:[{_PLAIN}:@-]|%[0-9A-Fa-f]{{2}})*)*"
_HOST_ALONE = re.compile(_HOST.encode())
_BASE = re.compile(rf"https?://{_HOST}{_PATH}")


def is_host(header: bytes) -> bool:
    """Return whether the value of a header `Host` is a host with or without a port (RFC 3986, 3.2.2 and 3.2.3)."""
    return _HOST_ALONE.fullmatch(header) is not None


def is_base_url(text: str) -> bool:
    """Return whether a text is an http or https address that others can begin with: no user name, query, fragment."""
    try:
        return _BASE.fullmatch(text) is not None and urlsplit(text).port != 0
    except ValueError:
        # A port or an address in brackets that there can't be.
        return False
