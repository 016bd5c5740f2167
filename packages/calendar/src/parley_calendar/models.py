"""Feeds: addresses at which one person's interviews are read, and what shows that an address was issued."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

_SECRET_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A feed as its owner sees it.

    Args:
        id: its id.
        name: where the owner uses it, in their own words.
        created_at: when.
    """

    id: str
    name: str | None
    created_at: datetime


@dataclass(frozen=True)
class FeedToken:
    """What the address of a feed contains: 256 random bits, stored only as their SHA-256 (ASVS 6.4.1)."""

    text: str

    @classmethod
    def new(cls) -> "FeedToken":
        """Return a new token."""
        return cls(secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "FeedToken | None":
        """Return the token that a text is; None for one that no feed has."""
        return cls(text) if _TOKEN.fullmatch(text) else None

    @property
    def digest(self) -> str:
        """The digest of its text, which is all that the database stores."""
        return hashlib.sha256(self.text.encode()).hexdigest()
