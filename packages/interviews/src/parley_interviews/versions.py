"""Which versions of an interview a caller says he knows (RFC 9110, 13.1.1)."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

_TAG = re.compile(r'"(\d{1,9})-[^"]*"')


@dataclass(frozen=True)
class KnownVersions:
    """The revisions that If-Match names; None when any will do."""

    revs: tuple[int, ...] | None


async def _known_versions(if_match: Annotated[str | None, Header()] = None) -> KnownVersions:
    if if_match is None or if_match.strip() == "*":
        return KnownVersions(None)
    # A weak tag, or one that was never given out, matches nothing.
    tags = (_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return KnownVersions(tuple(int(tag[1]) for tag in tags if tag))


KnownVersionsDep = Annotated[KnownVersions, Depends(_known_versions)]
