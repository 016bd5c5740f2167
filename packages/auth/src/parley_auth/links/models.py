"""Links: 256 random bits for one use, stored only as their SHA-256 (ASVS 6.4.1, 6.4.3)."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from parley_auth.models import User

_VERSION = b"\x02"
_ID_BYTES = 12
_SECRET_BYTES = 32
# With the version the length is a multiple of three, so that no padding is needed and each token has one spelling.
_LENGTH = 4 * (1 + _ID_BYTES + _SECRET_BYTES) // 3


class Purpose(StrEnum):
    """What a link is for: the first password of an invited account, or a new one in place of a forgotten one."""

    INVITATION = "invitation"
    RESET = "reset"


LIFETIMES = {Purpose.INVITATION: timedelta(hours=72), Purpose.RESET: timedelta(hours=1)}


@dataclass(frozen=True)
class LinkToken:
    """The parts of a link's token.

    Args:
        user_id: the account that it is for, so that it is found by a point read.
        secret: the random bits that show that it was issued.
    """

    user_id: str
    secret: bytes

    @classmethod
    def new(cls, user_id: str) -> "LinkToken":
        """Return a new token for an account."""
        return cls(user_id, secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "LinkToken | None":
        """Return the token that `text` spells; None for any other text."""
        if len(text) != _LENGTH:
            return None
        try:
            data = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(data[1 : 1 + _ID_BYTES].hex(), data[1 + _ID_BYTES :]) if data[:1] == _VERSION else None

    @property
    def text(self) -> str:
        """The token as it is passed on."""
        return base64.urlsafe_b64encode(_VERSION + bytes.fromhex(self.user_id) + self.secret).decode()

    @property
    def digest(self) -> str:
        """The SHA-256 of its secret, which is all that the database stores."""
        return hashlib.sha256(self.secret).hexdigest()


@dataclass(frozen=True)
class Link:
    """The one live link of an account, as it is stored.

    Args:
        purpose: what it is for.
        digest: the digest of its token.
        expires_at: when it can no longer be used.
    """

    purpose: Purpose
    digest: str
    expires_at: datetime


@dataclass(frozen=True)
class LinkedAccount:
    """An account and its live link, if it has one."""

    user: User
    link: Link | None


@dataclass(frozen=True)
class IssuedLink:
    """A link as it is shown once, to whoever passes it on."""

    token: str
    purpose: Purpose
    expires_at: datetime

    def url_path_below(self, prefix: str) -> str:
        """Return the page of the console that takes the token; a fragment never reaches a server's log.

        Args:
            prefix: that under which a proxy serves the API, such as `/parley`; empty without one.
        """
        return f"{prefix}/console#/accept/{self.token}"
