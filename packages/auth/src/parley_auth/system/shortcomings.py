"""What is badly set, where it matters: pure functions of the settings and of the address that people use."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_PORT = re.compile(r":\d*$")


@dataclass(frozen=True)
class Shortcoming:
    """One thing that is badly set.

    Args:
        code: which it is.
        message: what is wrong, and what to do; no value of a setting that may be secret.
    """

    code: str
    message: str


@dataclass(frozen=True)
class Situation:
    """What matters of the settings.

    Args:
        public_url: PARLEY_PUBLIC_URL.
        scheme: of the request.
        host: `Host` of the request.
        registration_open: whether anyone may register.
        docs: whether the documentation is served.
        embedded: whether the database is the embedded one.
        unknown: PARLEY_ variables that no setting reads, with what to do about each.
    """

    public_url: str | None
    scheme: str
    host: str
    registration_open: bool
    docs: bool
    embedded: bool
    unknown: Iterable[tuple[str, str]]


def shortcomings(found: Situation) -> Iterator[Shortcoming]:
    """Yield what is badly set; most of it matters only where others than this machine come."""
    for name, advice in found.unknown:
        yield Shortcoming("setting_unknown", f"{name} is set but no setting has that name; {advice}")
    if not _is_this_machine(found):
        yield from _in_public(found)


def _in_public(found: Situation) -> Iterator[Shortcoming]:
    if (found.public_url or f"{found.scheme}://").startswith("http://"):
        yield Shortcoming(
            "plain_http",
            "Passwords and tokens cross the network unencrypted: put a proxy with TLS in front, and name it in "
            "PARLEY_TRUSTED_PROXIES.",
        )
    if found.public_url is None:
        yield Shortcoming(
            "public_url_missing",
            "Absolute addresses are made of what each caller sends as Host: set PARLEY_PUBLIC_URL.",
        )
    if found.embedded:
        yield Shortcoming(
            "database_embedded",
            "All data is on this machine alone: back it up, or set PARLEY_MONGODB_URI to a replica set of your own.",
        )
    if found.registration_open:
        yield Shortcoming(
            "registration_open",
            "Anyone may register: PARLEY_AUTH_REGISTRATION=closed leaves creating accounts to administrators.",
        )
    if found.docs:
        yield Shortcoming(
            "docs_open",
            "Anyone may read the documentation of the API: PARLEY_DOCS=false switches it off.",
        )


def _is_this_machine(found: Situation) -> bool:
    """Return whether people come from this machine alone, as far as the address says."""
    host = urlsplit(found.public_url).netloc if found.public_url else found.host
    name = _PORT.sub("", host).strip("[]").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
