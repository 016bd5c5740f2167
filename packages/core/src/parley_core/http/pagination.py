"""Pages: limit and offset, a total, and a way to the next page that keeps the filters (RFC 8288)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from parley_core.http.requests import of_address, outer_path_of
from parley_core.http.sent_headers import LINK, sends

T = TypeVar("T")
Shown = TypeVar("Shown")
DEFAULT_LIMIT, MAX_LIMIT = 20, 100


class PageQuery(BaseModel):
    """The query parameters of every list."""

    model_config = ConfigDict(extra="ignore")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Items in a page.")
    offset: int = Field(0, ge=0, le=2**31 - 1, description="Items to skip.")


class CursorQuery(PageQuery):
    """The query parameters of a list that changes while somebody walks it."""

    cursor: str | None = Field(
        None, description="Taken from `next`: continues there, whatever was added or removed since."
    )


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A page of a list that is continued by cursor.

    Args:
        items: as the caller sees them.
        total: how many there are on all pages.
        offset: how many lie before these.
        cursor: the place behind these; None when no others follow.
    """

    items: Sequence[T]
    total: int
    offset: int
    cursor: str | None

    def showing(self, items: Sequence[Shown]) -> "Listing[Shown]":
        """Return the page with its items as they are shown, in the same order."""
        return Listing(items, total=self.total, offset=self.offset, cursor=self.cursor)


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    total: int = Field(description="Items in the whole list under these filters.")
    limit: int
    offset: int
    next: str | None = Field(description="The address of the next page, with the same filters; null on the last one.")


class Pager:
    """Makes the page of one request and its `Link` header."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request = request
        self._response = response

    def page(
        self,
        items: Sequence[T],
        *,
        total: int,
        query: PageQuery,
        offset: int | None = None,
        cursor: str | None = None,
        more: bool | None = None,
        pinned: Mapping[str, object] = MappingProxyType({}),
    ) -> Page[T]:
        """Return the page that `query` asked for.

        Args:
            items: the page's items.
            total: how many there are on all pages.
            query: what was asked for.
            offset: where the page starts, when a cursor rather than `query.offset` says so.
            cursor: what the next page's address carries instead of an offset.
            more: whether more items follow; None where offset and total say so, which they can't with a cursor:
                items before it may have been deleted.
            pinned: query parameters that the next page's address carries too, or with another value.
        """
        start = query.offset if offset is None else offset
        end = start + len(items)
        place = {**pinned, **({"cursor": cursor} if cursor else {"offset": end})}
        goes_on = bool(items) and (end < total if more is None else more)
        following = self.next_address(place) if goes_on else None
        return Page(items=list(items), total=total, limit=query.limit, offset=start, next=following)

    def listing(self, found: Listing[T], *, query: PageQuery) -> Page[T]:
        """Return the page that `query` asked for, whose next one is a cursor's."""
        more = found.cursor is not None
        return self.page(
            found.items, total=found.total, query=query, offset=found.offset, cursor=found.cursor, more=more
        )

    def next_address(self, place: Mapping[str, object]) -> str:
        """Return the address of the next page, which keeps the filters, and name it in the header `Link`.

        Args:
            place: the query parameters that say where that page begins.
        """
        kept = [(k, v) for k, v in self._request.query_params.multi_items() if k not in {"offset", "cursor", *place}]
        address = f"{outer_path_of(self._request.scope)}?{urlencode([*kept, *place.items()])}"
        self._response.headers["Link"] = f'<{address}>; rel="next"'
        return address


@of_address
@sends(LINK)
async def _pager(request: Request, response: Response) -> Pager:
    return Pager(request, response)


PagerDep = Annotated[Pager, Depends(_pager)]
