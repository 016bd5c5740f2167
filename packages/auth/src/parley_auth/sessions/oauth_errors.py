"""The errors of the token endpoint as OAuth2 libraries know them (RFC 6749, section 5.2)."""

import re
from http import HTTPStatus

from parley_core.errors import FieldError, ParleyError
from parley_core.http.problems import MoreMembers

UNSUPPORTED_GRANT_TYPE, INVALID_SCOPE = "unsupported_grant_type", "invalid_scope"
"""The codes of field errors that have an `error` of their own."""

_INVALID_GRANT = frozenset({"invalid_credentials", "invalid_token", "refresh_reused", "refresh_in_progress"})
_OF_FIELDS = (UNSUPPORTED_GRANT_TYPE, INVALID_SCOPE)
# The characters that `error_description` may not have.
_UNSPEAKABLE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


def _error_of(error: ParleyError) -> str:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "temporarily_unavailable" if error.status == HTTPStatus.SERVICE_UNAVAILABLE else "server_error"
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "temporarily_unavailable"
    if error.code in _INVALID_GRANT:
        return "invalid_grant"
    return next((entry.code for entry in error.errors if entry.code in _OF_FIELDS), "invalid_request")


def _described(entry: FieldError) -> str:
    return f"{entry.pointer.removeprefix('#/')}: {entry.message}"


def _members_of(error: ParleyError) -> dict[str, str]:
    description = "; ".join(map(_described, error.errors[:3])) or error.detail
    return {"error": _error_of(error), "error_description": _UNSPEAKABLE.sub("'", description)}


OAUTH_MEMBERS = MoreMembers(
    title="TokenProblem",
    properties={
        "error": {
            "type": "string",
            "description": "The same for OAuth2 libraries: RFC 6749, section 5.2, and two of section 4.1.2.1.",
            "enum": [
                "invalid_grant",
                "invalid_request",
                INVALID_SCOPE,
                "server_error",
                "temporarily_unavailable",
                UNSUPPORTED_GRANT_TYPE,
            ],
        },
        "error_description": {"type": "string", "description": "What libraries show to developers."},
    },
    required=("error",),
    of=_members_of,
)
"""What the problems of the token endpoint have besides."""
