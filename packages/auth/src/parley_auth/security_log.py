"""Security events as log lines (ASVS 16.3) with fields, among them the request's id; without secrets.

Accounts are named by id. An e-mail that was tried appears as its SHA-256, so that attempts can be counted and joined.
"""

import hashlib
import logging
from typing import Literal

from parley_core.log_lines import LogLine

_log = logging.getLogger("parley.security")

Kind = Literal[
    "login",
    "login_failed",
    "login_throttled",
    "registration_throttled",
    "refresh_reused",
    "refresh_repeated",
    "session_ended",
    "sessions_ended",
    "sessions_ended_by_admin",
    "password_changed",
    "password_reset",
    "link_created",
    "link_refused",
    "invitation_accepted",
    "email_changed",
    "role_changed",
    "account_deactivated",
    "account_reactivated",
    "key_created",
    "key_revoked",
    "access_denied",
    "resource_missing",
]

_ORDINARY = {"login", "refresh_repeated", "session_ended", "sessions_ended"}


def log_security_event(kind: Kind, request_id: str, **fields: str | None) -> None:
    """Log a security event.

    Args:
        kind: what happened.
        request_id: the request in which it happened.
        fields: ids, roles, actions and networks; never a password, a token or an e-mail.
    """
    level = logging.INFO if kind in _ORDINARY else logging.WARNING
    _log.log(level, LogLine(kind, request_id=request_id, **fields))


def digest_of(email: str) -> str:
    """Return the digest that the log shows for an e-mail that was tried."""
    return hashlib.sha256(email.encode()).hexdigest()[:16]
