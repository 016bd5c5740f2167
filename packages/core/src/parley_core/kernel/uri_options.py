"""Options of a MongoDB URI that contradict what Parley promises, or that it sets by itself."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

_REQUIRED = {
    "journal": "true",
    "readconcernlevel": "majority",
    "readpreference": "primary",
    "retryreads": "true",
    "retrywrites": "true",
    "w": "majority",
}
"""Option -> the only value that it may have."""
_PARLEYS_OWN = {
    "connecttimeoutms": "",
    "maxpoolsize": " (set PARLEY_MONGODB_POOL_SIZE)",
    "maxstalenessseconds": "",
    "readpreferencetags": "",
    "serverselectiontimeoutms": "",
    "sockettimeoutms": "",
    "timeoutms": " (set PARLEY_REQUEST_TIMEOUT_SECONDS)",
    "wtimeoutms": "",
}
"""Option -> what to set instead."""


def problems_of(uri: str) -> Iterator[str]:
    """Yield what is wrong with a URI's options, by their names; never a value, which may be a part of a password."""
    for name, value in _options(uri):
        required = _REQUIRED.get(name.lower(), value.lower())
        if value.lower() != required:
            yield f"the option {name} must be {required}, or be left out"
        elif name.lower() in _PARLEYS_OWN:
            yield f"the option {name} must be left out, since Parley has its own value{_PARLEYS_OWN[name.lower()]}"


def _options(uri: str) -> list[tuple[str, str]]:
    _, _, behind_credentials = uri.rpartition("@")
    _, _, query = behind_credentials.partition("?")
    return parse_qsl(query.replace(";", "&"), keep_blank_values=True)
