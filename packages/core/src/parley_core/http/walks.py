"""Pages of lists that are read whole, since they are short: each item that stays is met once, whatever comes and goes.

The order is that of a value which an item keeps, such as when it was created. Several items may have the same one, and
are then in the order in which they are given. So a place is a value, and those of its items that were passed.
"""

import json
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from parley_core.errors import InvalidCursor
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import CursorQuery, Listing

T = TypeVar("T")
Value = tuple[float, ...]
_Place = tuple[Value, Collection[str], int]


class Walks:
    """Makes pages of lists that are read whole.

    Args:
        cursors: seals the places.
    """

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def page(
        self, items: Sequence[T], query: CursorQuery, *, of: str, order: Callable[[T], Value], name: Callable[[T], str]
    ) -> Listing[T]:
        """Return the page that is asked for.

        Args:
            items: the whole list.
            query: which page of it.
            of: the list's name, which no other list has.
            order: returns the value of an item by which the list is sorted; it never changes.
            name: returns what no other item of the same value is called.

        Raises:
            InvalidCursor: the text is not a cursor of this list, or it is sent with an offset.
        """
        value, passed, start = self._place(query, of)
        ordered = sorted(items, key=order)
        rest = [item for item in ordered if order(item) > value or (order(item) == value and name(item) not in passed)]
        skipped, rest = (0, rest) if query.cursor else (query.offset, rest[query.offset :])
        shown, end = rest[: query.limit], start + len(rest[: query.limit])
        if len(rest) <= query.limit:
            return Listing(shown, total=len(items), offset=start, cursor=None)
        last = order(shown[-1])
        names = [name(item) for item in [*ordered[:skipped], *shown] if order(item) == last]
        place: _Place = (last, [*(passed if value == last else ()), *names], end)
        return Listing(shown, total=len(items), offset=start, cursor=self._sealed(place, of))

    def _sealed(self, place: _Place, of: str) -> str:
        return self._cursors.seal(json.dumps(place, separators=(",", ":")).encode(), of=of)

    def _place(self, query: CursorQuery, of: str) -> _Place:
        """Return the place that a query names; without a cursor the list's beginning, with its offset."""
        if query.cursor is None:
            return (), (), query.offset
        if query.offset:
            raise InvalidCursor("A cursor already contains a place: leave out offset")
        value, passed, offset = json.loads(self._cursors.unseal(query.cursor, of=of))
        return tuple(value), passed, offset
