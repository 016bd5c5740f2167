"""Names that each belong to one interview alone."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A name that a new interview claims; whoever claims it later means the same interview.

    Args:
        name: unique among all claims.
        body: the digest of the request's body, which whoever repeats it must send again; None where any will do.
        expires_at: when the name is free again; None for never.
    """

    name: str
    body: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Claimed:
    """The interview that a name belongs to, and the digest of the body that it came with."""

    interview_id: str
    body: str | None


class AlreadyClaimed(Exception):
    """An interview has this name already; look up which one."""
