"""API keys, and the text that clients send."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

MAX_KEYS = 50
"""How many keys an administrator may have, expired ones included."""
PREFIX = "parley_"
"""What every key begins with, and no access token."""

_SECRET_BYTES = 32
_TEXT = re.compile(rf"{PREFIX}([0-9a-f]{{24}})([0-9a-f]{{24}})_([0-9a-f]{{{2 * _SECRET_BYTES}}})")


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as administrators see it.

    Args:
        id: its id.
        name: what it is for, in its creator's words.
        actions: the only actions that it may do.
        created_by: the administrator as whom it acts.
        created_at: when.
        expires_at: when it stops to work; None for never.
        last_used_at: the hour of its last use; None before the first.
    """

    id: str
    name: str
    actions: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class KeyText:
    """The parts of a key as clients send it: `parley_<creator's id><key's id>_<secret>`, all hexadecimal.

    Args:
        user_id: the creator, so that the key is found by the point read that every request makes.
        key_id: the key.
        secret: 256 random bits, which show that it was issued.
    """

    user_id: str
    key_id: str
    secret: str

    @classmethod
    def new(cls, user_id: str, key_id: str) -> "KeyText":
        """Return the text of a new key."""
        return cls(user_id, key_id, secrets.token_hex(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "KeyText | None":
        """Return the parts of a text; None for one that no key has. A key has one spelling."""
        found = _TEXT.fullmatch(text)
        return cls(*found.groups()) if found else None

    @property
    def text(self) -> str:
        """The key as clients receive it."""
        return f"{PREFIX}{self.user_id}{self.key_id}_{self.secret}"

    @property
    def digest(self) -> str:
        """The SHA-256 of its secret, which is all that the database stores of that."""
        return hashlib.sha256(self.secret.encode()).hexdigest()
