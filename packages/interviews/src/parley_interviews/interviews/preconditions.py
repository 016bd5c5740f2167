"""If-Match: a write happens only to a version that the caller knows (RFC 9110, 13.1.1)."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from parley_core import raises
from parley_core.errors import PreconditionFailed


@dataclass(frozen=True)
class IfMatch:
    """The entity tags that a request names; None where any version will do."""

    tags: frozenset[str] | None

    def require(self, rev: int, etag: str) -> int | None:
        """Return the revision that a write must find in the database; None for any.

        Args:
            rev: the interview's revision.
            etag: the entity tag of that revision as the caller sees it.

        Raises:
            PreconditionFailed: the request names other versions than the one that its caller sees.
        """
        if self.tags is None:
            return None
        if etag not in self.tags:
            raise PreconditionFailed
        return rev


@raises(PreconditionFailed)
async def _if_match(if_match: Annotated[list[str] | None, Header(alias="If-Match")] = None) -> IfMatch:
    if if_match is None or if_match == ["*"]:
        return IfMatch(None)
    # Compared strongly: a weak or malformed tag matches no version.
    return IfMatch(frozenset(tag.strip() for line in if_match for tag in line.split(",")))


IfMatchDep = Annotated[IfMatch, Depends(_if_match)]
