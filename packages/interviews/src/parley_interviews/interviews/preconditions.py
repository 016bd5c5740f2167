"""If-Match: a write happens only to a version that the caller knows (RFC 9110, 13.1.1)."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from parley_core import raises
from parley_core.errors import PreconditionFailed
from parley_core.http.entity_tags import EntityTags


@dataclass(frozen=True)
class IfMatch:
    """The entity tags that a request names; None where it names none, so that any version will do."""

    tags: EntityTags | None

    def require(self, rev: int, etag: str) -> int | None:
        """Return the revision that a write must find in the database; None for any.

        Args:
            rev: the interview's revision.
            etag: the entity tag of that revision as the caller sees it.

        Raises:
            PreconditionFailed: the request names other versions than the one that its caller sees.
        """
        if self.tags is None or self.tags.opaque is None:
            return None
        if not self.tags.has(etag):
            raise PreconditionFailed
        return rev


@raises(PreconditionFailed)
async def _if_match(if_match: Annotated[list[str] | None, Header(alias="If-Match")] = None) -> IfMatch:
    return IfMatch(None if if_match is None else EntityTags.of(if_match))


IfMatchDep = Annotated[IfMatch, Depends(_if_match)]
