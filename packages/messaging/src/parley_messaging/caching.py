"""How pages of messages are cached: a log only grows, so its head proves a page current."""

from fastapi import Request

from parley_auth import ScopedAccess
from parley_core import Composition
from parley_core.caching.routes import CachedRead
from parley_messaging.heads import LogHeads


def _viewer(_access: ScopedAccess) -> None:
    """A page is the same for everybody who may read it."""


async def _head(parley: Composition, access: ScopedAccess) -> int:
    return await parley.require(LogHeads).of(access.resource.id)


def _lies_below(request: Request, head: int) -> bool:
    """Whether the window that a page was cut from ends below the head: items, total and next page stay for ever."""
    before = request.query_params.get("before_seq", "")
    # Other spellings of integers, which validation takes too, only miss this shortcut.
    return before.isdecimal() and int(before) <= head + 1


PAGE = CachedRead(viewer=_viewer, validator=_head, is_final=_lies_below, final_with="before_seq")
