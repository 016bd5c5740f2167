"""Remembers what tokens say whose signature has been verified, so that each is verified once in a process.

What time or the account may have changed is never remembered: expiry and the account are judged on every request.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

_MOST = 8192


class VerifiedTokens:
    """The claims of tokens, by the tokens' SHA-256, so that no token lies in memory.

    Args:
        decode: verifies a token and answers its claims; what it refuses is not remembered.
    """

    def __init__(self, decode: Callable[[str], Mapping[str, Any]]) -> None:
        self._decode = decode
        self._known: dict[bytes, Mapping[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token; raises what `decode` raises."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._decode(token)
            if len(self._known) >= _MOST:
                # The oldest goes: it is the next to expire, since all live equally long.
                del self._known[next(iter(self._known))]
            self._known[digest] = known
        return known
