"""A part of the log."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from parley_core import LogEntry


@dataclass(frozen=True)
class Part:
    """What follows a place in the log.

    Args:
        entries: ascending by position, those that a filter admits.
        after: the place to continue from: everything up to it was looked at.
        has_more: whether entries are known to follow.
    """

    entries: Sequence[LogEntry]
    after: int
    _: KW_ONLY
    has_more: bool = False
