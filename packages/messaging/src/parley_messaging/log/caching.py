"""How pages of messages are cached: a log only grows, so its head proves a page current."""

from collections.abc import Awaitable, Mapping
from typing import Any

from fastapi import Request

from parley_auth import ScopedAccess
from parley_core import Composition
from parley_core.caching.routes import CachedRead
from parley_messaging.log.repository import LogHeadReader
from parley_messaging.models import MessageLog


def _viewer(_access: ScopedAccess) -> None:
    """Return nothing: a page is the same for everybody who may read it."""


def _head(parley: Composition, access: ScopedAccess) -> Awaitable[int]:
    return parley.require(LogHeadReader).read(access.resource.id)


def _lies_below(request: Request, head: int) -> bool:
    """Return whether a page's window ends below the head, so that its items, total and next page never change."""
    before = request.query_params.get("before_seq", "")
    # Other spellings of integers, which validation accepts too, only miss this shortcut.
    return before.isdecimal() and int(before) <= head + 1


def page_of(log: MessageLog) -> CachedRead:
    """Return how the pages of a kind of log are cached."""

    def begin_head(parley: Composition, _caller_id: str, path: Mapping[str, Any]) -> None:
        parley.require(LogHeadReader).begin(path[log.path_param])

    return CachedRead(viewer=_viewer, validator=_head, is_final=_lies_below, final_with="before_seq", ahead=begin_head)
