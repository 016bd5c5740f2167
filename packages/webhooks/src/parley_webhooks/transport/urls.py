"""The form of a webhook's url. Checked and sent by one parser, so that both see the same host."""

import re
from typing import TYPE_CHECKING

from parley_webhooks.errors import WebhookUrlRefused

if TYPE_CHECKING:
    import httpx

MAX_URL_LENGTH = 2048
_HTTPS_PORT = 443
_MAX_PORT = 65535
_AUTHORITY = re.compile(r"https://([^/?#]*)", re.IGNORECASE)
_NAME = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
_IPV6 = re.compile(r"[0-9a-f:.]+")


def checked_url(url: str) -> str:
    """Return a webhook's url in the form that is stored and sent: the host in ASCII, the path percent-encoded.

    Raises:
        WebhookUrlRefused: it is longer than 2048 characters, not https, has a user name or a fragment, or no valid
            host or port.
    """
    if len(url) > MAX_URL_LENGTH:
        raise WebhookUrlRefused("A webhook's url has at most 2048 characters: send a shorter one")
    authority = _AUTHORITY.match(url)
    if authority is None:
        raise WebhookUrlRefused("A webhook's url starts with https://: send the address of a receiver with TLS")
    if "@" in authority[1] or "#" in url:
        raise WebhookUrlRefused("A webhook's url has neither user name nor fragment: verify the signature instead")
    return str(_checked(url))


def parsed(url: str) -> "httpx.URL":
    """Return the parts of a url.

    Raises:
        httpx.InvalidURL: it has none.
    """
    # With its command line httpx is a third of what this package loads, and many installations have no webhook.
    import httpx  # noqa: PLC0415 - see above

    return httpx.URL(url)


def host_of(url: "httpx.URL") -> str:
    """Return the host in ASCII, an IPv6 address without brackets."""
    return url.raw_host.decode("ascii")


def port_of(url: "httpx.URL") -> int:
    """Return the port, 443 where the url has none."""
    return _HTTPS_PORT if url.port is None else url.port


def _checked(url: str) -> "httpx.URL":
    import httpx  # noqa: PLC0415 - see `parsed`

    refused = WebhookUrlRefused("A webhook's url has a host name or address and a port from 1 to 65535: correct it")
    try:
        found = parsed(url)
        # Decoding it finds a name that isn't valid in Punycode.
        host, port = found.host and host_of(found), port_of(found)
    except (httpx.InvalidURL, ValueError):
        raise refused from None
    if not (_IPV6 if ":" in host else _NAME).fullmatch(host) or not 0 < port <= _MAX_PORT:
        raise refused
    if len(str(found)) > MAX_URL_LENGTH:
        raise WebhookUrlRefused("A webhook's url has at most 2048 characters once it is encoded: send a shorter one")
    return found
