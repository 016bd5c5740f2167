"""Which versions of an interview a caller says he knows (RFC 9110, 13.1.1)."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from parley_core import raises
from parley_core.errors import PreconditionFailed
from parley_interviews import schemas
from parley_interviews.presentation import etag_of


@dataclass(frozen=True)
class KnownVersions:
    """The entity tags that If-Match names; None where any version will do."""

    tags: frozenset[str] | None

    def require(self, interview: schemas.Interview) -> int | None:
        """The revision that a write must find in the database; None for any.

        Raises:
            PreconditionFailed: the interview, as its viewer sees it, is no version that he knows.
        """
        if self.tags is None:
            return None
        if etag_of(interview) not in self.tags:
            raise PreconditionFailed
        return interview.rev


@raises(PreconditionFailed)
async def _known_versions(if_match: Annotated[list[str] | None, Header(alias="If-Match")] = None) -> KnownVersions:
    if if_match is None or if_match == ["*"]:
        return KnownVersions(None)
    # Compared strongly: what is weak, malformed or was never given out is none of ours.
    return KnownVersions(frozenset(tag.strip() for line in if_match for tag in line.split(",")))


KnownVersionsDep = Annotated[KnownVersions, Depends(_known_versions)]
