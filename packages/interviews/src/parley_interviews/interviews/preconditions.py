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

    def require(self, etag: str) -> None:
        """Raise `PreconditionFailed` where the request names other versions than the one that its caller sees.

        Args:
            etag: the entity tag of that version.
        """
        if self.tags is not None and self.tags.opaque is not None and not self.tags.has(etag):
            raise PreconditionFailed


@raises(PreconditionFailed)
async def _if_match(if_match: Annotated[list[str] | None, Header(alias="If-Match")] = None) -> IfMatch:
    return IfMatch(None if if_match is None else EntityTags.of(if_match))


IfMatchDep = Annotated[IfMatch, Depends(_if_match)]
