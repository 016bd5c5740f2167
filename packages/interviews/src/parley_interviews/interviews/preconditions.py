"""If-Match: a write happens only to a version that the caller knows (RFC 9110, 13.1.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from parley_core import raises
from parley_core.errors import PreconditionFailed
from parley_interviews.models import Status


def etag_of(rev: int, transitions: Sequence[Status]) -> str:
    """Return the entity tag of an interview as its viewer sees it: its revision and what they may do with it."""
    return f'"{rev}-{".".join(transitions)}"'


@dataclass(frozen=True)
class IfMatch:
    """The entity tags that a request names; None where any version will do."""

    tags: frozenset[str] | None

    def require(self, rev: int, transitions: Sequence[Status]) -> int | None:
        """Return the revision that a write must find in the database; None for any.

        Raises:
            PreconditionFailed: the request names other versions than the one that its caller sees.
        """
        if self.tags is None:
            return None
        if etag_of(rev, transitions) not in self.tags:
            raise PreconditionFailed
        return rev


@raises(PreconditionFailed)
async def _if_match(if_match: Annotated[list[str] | None, Header(alias="If-Match")] = None) -> IfMatch:
    if if_match is None or if_match == ["*"]:
        return IfMatch(None)
    # Compared strongly: a weak or malformed tag matches no version.
    return IfMatch(frozenset(tag.strip() for line in if_match for tag in line.split(",")))


IfMatchDep = Annotated[IfMatch, Depends(_if_match)]
