"""Sort orders that callers name, and cursors that continue after an item whatever others insert or delete."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parley_core.data.documents import Document
from parley_core.errors import InvalidCursor, InvalidSort
from parley_core.http.cursors import Cursors


@dataclass(frozen=True)
class Sort:
    """A total order: field and direction (1 or -1) pairs, the last one `_id`."""

    spelt: str
    keys: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Cursor:
    """A position after an item: the item's values of the sort keys, and how many items come before."""

    sort: Sort
    values: tuple[Any, ...]
    offset: int


class SortKeys:
    """The sort keys that a list offers.

    Args:
        keys: field -> the type of its values (`datetime` or `str`).
        default: the order when none is asked for, like `-created_at`.
    """

    def __init__(self, keys: Mapping[str, type], *, default: str) -> None:
        self._types = {**keys, "_id": str}
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
        return Sort(spelt, (*keys, ("_id", keys[-1][1])))

    def text_of(self, sort: Sort, item: Document, *, offset: int) -> bytes:
        """Return the place after `item` in an order, with the number of items before it, as a text."""
        values = [item[name].isoformat() if self._types[name] is datetime else item[name] for name, _ in sort.keys]
        return json.dumps([sort.spelt, values, offset], ensure_ascii=False, separators=(",", ":")).encode()

    def cursor_of(self, text: bytes) -> Cursor:
        """Return the place that a text of `text_of` names.

        Raises:
            InvalidSort, ValueError: it is a place of another release, whose list had other keys.
        """
        spelt, values, offset = json.loads(text)
        sort = self.parse(spelt)
        typed = tuple(self._typed(name, value) for (name, _), value in zip(sort.keys, values, strict=True))
        return Cursor(sort, typed, offset)

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

    def asked_for(self, *, sort: str | None, cursor: str | None, offset: int) -> tuple[Sort, Cursor | None]:
        """Return the order that a list is asked for, and the position at which it continues.

        Args:
            sort: the order as it was spelt; None for the cursor's, without a cursor for the default.
            cursor: as it was sent; None for the list's beginning.
            offset: how many items to skip from the beginning.

        Raises:
            InvalidSort: an unknown or repeated key.
            InvalidCursor: the text is not a cursor of this list, or it is sent with an offset or another order.
        """
        if cursor is None:
            return self._keys.parse(self._keys.default if sort is None else sort), None
        found = self._position(cursor)
        if offset or sort not in {None, found.sort.spelt}:
            raise InvalidCursor("A cursor already contains a place and a sort order: leave out offset and sort")
        return found.sort, found

    def behind(self, sort: Sort, item: Document, *, offset: int) -> str:
        """Return the cursor of the place after `item`, before which there are `offset` items."""
        return self._cursors.seal(self._keys.text_of(sort, item, offset=offset), of=self._of)

    def _position(self, cursor: str) -> Cursor:
        text = self._cursors.unseal(cursor, of=self._of)
        try:
            return self._keys.cursor_of(text)
        except (ValueError, InvalidSort) as error:
            raise InvalidCursor from error
