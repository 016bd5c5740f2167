"""The entity tags that `If-Match` and `If-None-Match` name (RFC 9110, 8.8.3)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAMED = re.compile(r'(?:^|,)[ \t]*(?:W/)?("[!\x23-\x7e\x80-\xff]*")(?=[ \t]*(?:,|$))')
# What Apache appends to the tag of an answer that it compresses, instead of weakening it.
_CODINGS = ("-gzip", "-br")


@dataclass(frozen=True)
class EntityTags:
    """The tags of one request.

    Args:
        opaque: each with its quotes and without `W/`; None for `*`, which is any.
    """

    opaque: frozenset[str] | None

    @classmethod
    def of(cls, lines: Iterable[str]) -> "EntityTags":
        """Return the tags in the values of a header; what is none is left out."""
        values = [line.strip(" \t") for line in lines]
        if values == ["*"]:
            return cls(None)
        return cls(frozenset(tag for value in values for tag in _NAMED.findall(value)))

    def has(self, etag: str) -> bool:
        """Return whether the tag of a current version is among them, as its caller got it.

        The comparison is weak for `If-Match` too, as a proxy that compresses an answer weakens its tag or appends the
        coding. Parley's tags stand for versions of what is stored and never for single bytes of an answer, so the weak
        form names a version as exactly as the strong one does (decision 31).
        """
        if self.opaque is None:
            return True
        return etag in self.opaque or any(f'{etag[:-1]}{coding}"' in self.opaque for coding in _CODINGS)
