"""Who calls with an API key: the key says which account, the stored account says whether, and with which actions."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from parley_auth.callers import CallerReader
from parley_auth.errors import InvalidToken
from parley_auth.keys.models import KeyText
from parley_auth.keys.usage import KeyUsage
from parley_auth.models import ADMIN, Principal
from parley_core import Clock

_REFUSAL = "The API key is not valid: it was never issued, has expired or was revoked"
# One set for all requests of a key, so that it is hashed once.
_set_of = lru_cache(maxsize=1024)(frozenset[str])


class KeyAuthenticator:
    """Turns an API key into the principal that it stands for now; its creator's account is read on each request.

    An identity other than auth's own asks it about the texts that begin with `PREFIX`, if keys shall work there too.

    Args:
        accounts: reads the creators' accounts.
        usage: notes that a key was used.
        clock: returns the time.
    """

    def __init__(self, *, accounts: CallerReader, usage: KeyUsage, clock: Clock) -> None:
        self._accounts = accounts
        self._usage = usage
        self._clock = clock

    async def principal_of(self, text: str) -> Principal:
        """Return the creator, restricted to the key's actions.

        Raises:
            InvalidToken: the key was never issued, has expired or was revoked, or its creator is no active
                administrator.
        """
        if (sent := KeyText.parse(text)) is None:
            raise InvalidToken(_REFUSAL)
        account = await self._accounts.read_with_key(sent.user_id, sent.key_id)
        key = _live_key(account, sent, self._clock()) if account else None
        if key is None:
            raise InvalidToken(_REFUSAL)
        self._usage.note(sent.user_id, sent.key_id)
        return Principal(sent.user_id, ADMIN, sent.key_id, _set_of(tuple(key["actions"])))


def _live_key(account: Mapping[str, Any], sent: KeyText, now: datetime) -> Mapping[str, Any] | None:
    """Return the key that was sent, provided that it is alive and its creator an active administrator."""
    if not account["active"] or account["role"] != ADMIN:
        return None
    key = next((key for key in account.get("keys", ()) if key["id"] == sent.key_id), None)
    if key is None or not hmac.compare_digest(key["digest"], sent.digest):
        return None
    expires_at = key.get("expires_at")
    return key if expires_at is None or expires_at > now else None
