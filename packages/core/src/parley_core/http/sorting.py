"""Sort orders that callers name, and cursors that continue after an item whatever others insert or delete."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from parley_core.data.keyset import Found, Place, Sort
from parley_core.errors import InvalidCursor, InvalidSort
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import CursorQuery, Listing

T = TypeVar("T")


class SortKeys:
    """The sort keys that a list offers.

    Args:
        keys: field -> the type of its values (`datetime` or `str`).
        default: the order when none is asked for, like `-created_at`.
        stored: key -> the field by which documents are sorted, where it has another name.
    """

    def __init__(
        self, keys: Mapping[str, type], *, default: str, stored: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._stored = {name: stored.get(name, name) for name in keys}
        self._types = {**{self._stored[name]: type_ for name, type_ in keys.items()}, "_id": str}
        self.names = frozenset(keys)
        self.default = default

    def parse(self, spelt: str) -> Sort:
        """Return the order that `-scheduled_at,title` spells, made total by `_id` in the direction of the last key.

        Raises:
            InvalidSort: an unknown or repeated key.
        """
        keys = [(key.removeprefix("-"), -1 if key.startswith("-") else 1) for key in spelt.split(",")]
        names = [name for name, _ in keys]
        if len(set(names)) < len(names) or not self.names.issuperset(names):
            raise InvalidSort(f"Sort by {', '.join(sorted(self.names))}, each at most once, '-' for descending")
        stored = [(self._stored[name], direction) for name, direction in keys]
        return Sort(spelt, (*stored, ("_id", keys[-1][1])))

    def text_of(self, place: Place) -> bytes:
        """Return a place behind an item as a text."""
        values = [value.isoformat() if isinstance(value, datetime) else value for value in place.values or ()]
        return json.dumps([place.sort.spelt, values, place.offset], ensure_ascii=False, separators=(",", ":")).encode()

    def place_of(self, text: bytes) -> Place:
        """Return the place that a text of `text_of` names.

        Raises:
            InvalidSort, ValueError: it is a place of another release, whose list had other keys.
        """
        spelt, values, offset = json.loads(text)
        sort = self.parse(spelt)
        typed = tuple(self._typed(name, value) for (name, _), value in zip(sort.keys, values, strict=True))
        return Place(sort, typed, offset)

    def _typed(self, name: str, value: str) -> object:
        return datetime.fromisoformat(value) if self._types[name] is datetime else value


class Places:
    """The places at which callers continue a list.

    Args:
        keys: the list's sort keys.
        cursors: seals the places.
        of: the list's name, which no other list has, such as that of its collection.
    """

    def __init__(self, keys: SortKeys, cursors: Cursors, *, of: str) -> None:
        self._keys = keys
        self._cursors = cursors
        self._of = of

    def asked_for(self, query: CursorQuery, *, sort: str | None = None) -> Place:
        """Return the place at which a page begins that is asked for.

        Args:
            query: the page.
            sort: the order as it was spelt; None for the cursor's, without a cursor for the default.

        Raises:
            InvalidSort: an unknown or repeated key.
            InvalidCursor: the text is not a cursor of this list, or it is sent with an offset or another order.
        """
        if query.cursor is None:
            return Place(self._keys.parse(self._keys.default if sort is None else sort), None, query.offset)
        found = self._place(query.cursor)
        if query.offset or sort not in {None, found.sort.spelt}:
            raise InvalidCursor("A cursor already contains a place and a sort order: leave out offset and sort")
        return found

    def listing(self, place: Place, found: Found[Any], items: Sequence[T]) -> Listing[T]:
        """Return the page at a place.

        Args:
            place: where it begins.
            found: what was found there.
            items: the same items, as they are shown.
        """
        offset = place.offset + len(items)
        cursor = None if found.end is None else self.cursor(Place(place.sort, found.end, offset))
        return Listing(items, total=found.total, offset=place.offset, cursor=cursor)

    def cursor(self, place: Place) -> str:
        """Return the cursor of a place behind an item."""
        return self._cursors.seal(self._keys.text_of(place), of=self._of)

    def _place(self, cursor: str) -> Place:
        text = self._cursors.unseal(cursor, of=self._of)
        try:
            return self._keys.place_of(text)
        except (ValueError, InvalidSort) as error:
            raise InvalidCursor from error
