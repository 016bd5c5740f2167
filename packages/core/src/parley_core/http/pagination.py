"""Pages: limit and offset, a total, and a way to the next page that keeps the filters (RFC 8288)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from parley_core.http.requests import in_address, of_address, outer_path_of
from parley_core.http.sent_headers import LINK, sends

T = TypeVar("T")
Shown = TypeVar("Shown")
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
RELATIONS = ("first", "prev", "next", "last")
# nginx has 4 KB for all headers of an answer by default.
_MOST_CHARACTERS = 2048
_LEFT_OUT = object()


class PageQuery(BaseModel):
    """The query parameters of every list."""

    model_config = ConfigDict(extra="ignore")

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Items in a page.")
    offset: int = Field(0, ge=0, le=2**31 - 1, description="Items to skip.")
    total: bool = Field(
        default=True,
        description="`false`: the page has no total and `Link` no last page; a long list is then not counted.",
    )


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
        total: how many there are on all pages; None when they were not counted.
        offset: how many lie before these.
        cursor: the place behind these; None when no others follow.
    """

    items: Sequence[T]
    total: int | None
    offset: int
    cursor: str | None

    def showing(self, items: Sequence[Shown]) -> "Listing[Shown]":
        """Return the page with its items as they are shown, in the same order."""
        return Listing(items, total=self.total, offset=self.offset, cursor=self.cursor)


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    total: int | None = Field(description="Items in the whole list under these filters; null with `total=false`.")
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
        total: int | None,
        query: PageQuery,
        offset: int | None = None,
        cursor: str | None = None,
        more: bool | None = None,
        pinned: Mapping[str, object] = MappingProxyType({}),
    ) -> Page[T]:
        """Return the page that `query` asked for.

        Args:
            items: the page's items.
            total: how many there are on all pages; None when they were not counted, and then `more` must be given. Not
                shown to whoever asked for a page without it.
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
        goes_on = bool(items) and bool(total is not None and end < total if more is None else more)
        shown = total if query.total else None
        links: dict[str, Mapping[str, object]] = {"first": pinned}
        if "cursor" not in self._request.query_params:
            links |= {rel: {**pinned, **found} for rel, found in _by_offset(start, shown, query.limit).items()}
        following = self._link(links | ({"next": place} if goes_on else {}))
        return Page(items=list(items), total=shown, limit=query.limit, offset=start, next=following)

    def listing(self, found: Listing[T], *, query: PageQuery) -> Page[T]:
        """Return the page that `query` asked for, whose next one is a cursor's."""
        more = found.cursor is not None
        return self.page(
            found.items, total=found.total, query=query, offset=found.offset, cursor=found.cursor, more=more
        )

    def next_address(self, place: Mapping[str, object], *, goes_on: bool = True) -> str | None:
        """Return the address of the next page, which keeps the filters, and name it and the first in the header `Link`.

        Args:
            place: the query parameters that say where that page begins.
            goes_on: whether there is one.
        """
        first: dict[str, Mapping[str, object]] = {"first": dict.fromkeys(place.keys() - {"limit"}, _LEFT_OUT)}
        return self._link(first | ({"next": place} if goes_on else {}))

    def _link(self, places: Mapping[str, Mapping[str, object]]) -> str | None:
        """Name pages by their relation in the header `Link`, and return the address of the next one as callers see it.

        The header has paths below the prefix of a proxy, see `parley_core.http.absolute`; a long one has `next` alone.

        Args:
            places: the query parameters that say where each page begins, by its relation.
        """
        prefix, path = in_address(self._request.scope.get("root_path", "")), outer_path_of(self._request.scope)
        addresses = {rel: f"{path}{self._query_of(places[rel])}" for rel in RELATIONS if rel in places}
        links = {rel: f'<{address.removeprefix(prefix)}>; rel="{rel}"' for rel, address in addresses.items()}
        if sum(map(len, links.values())) > _MOST_CHARACTERS:
            links = {rel: link for rel, link in links.items() if rel == "next"}
        if links:
            self._response.headers["Link"] = ", ".join(links.values())
        return addresses.get("next")

    def _query_of(self, place: Mapping[str, object]) -> str:
        given = self._request.query_params.multi_items()
        kept = [(name, value) for name, value in given if name not in {"offset", "cursor", *place}]
        query = urlencode([*kept, *((name, value) for name, value in place.items() if value is not _LEFT_OUT)])
        return f"?{query}" if query else ""


def _by_offset(start: int, total: int | None, limit: int) -> dict[str, dict[str, int]]:
    """Return where the previous and the last page begin, so that walking either way gives each item once.

    Where the items were not counted nobody knows the last page, and whether the one before has any.
    """
    if total is None:
        return {"prev": _before(start, limit)} if start else {}
    aligned = start % limit if start < total else 0
    last = {"offset": max(0, total - 1 - aligned) // limit * limit + aligned if total else 0}
    if start == 0 or total == 0:
        return {"last": last}
    if start >= total:
        return {"prev": last, "last": last}
    return {"prev": _before(start, limit), "last": last}


def _before(start: int, limit: int) -> dict[str, int]:
    # A page that begins before the first full one has but what lies before this one.
    return {"offset": start - limit} if start >= limit else {"offset": 0, "limit": start}


@of_address
@sends(LINK)
async def _pager(request: Request, response: Response) -> Pager:
    return Pager(request, response)


PagerDep = Annotated[Pager, Depends(_pager)]
