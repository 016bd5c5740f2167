"""Sort orders that callers name, and cursors that continue after an item whatever others insert or delete."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from parley_core.data.documents import Document
from parley_core.errors import InvalidCursor, InvalidSort

_LONGEST_CURSOR = 4096


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

    def place_of(self, *, sort: str | None, cursor: str | None, offset: int) -> tuple[Sort, Cursor | None]:
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
            return self.parse(self.default if sort is None else sort), None
        found = self.decode(cursor)
        if offset or sort not in {None, found.sort.spelt}:
            raise InvalidCursor("A cursor already contains a place and a sort order: leave out offset and sort")
        return found.sort, found

    def encode(self, sort: Sort, item: Document, *, offset: int) -> str:
        """Return the cursor after `item`, opaque to callers."""
        values = [item[name].isoformat() if self._types[name] is datetime else item[name] for name, _ in sort.keys]
        text = json.dumps([sort.spelt, values, offset], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def decode(self, cursor: str) -> Cursor:
        """Return the position that a cursor names.

        Raises:
            InvalidCursor: the text is not a cursor of this list.
        """
        try:
            spelt, values, offset = _content(cursor)
            sort = self.parse(spelt)
            typed = tuple(self._typed(name, v) for (name, _), v in zip(sort.keys, values, strict=True))
        except (ValueError, TypeError, InvalidSort) as error:
            raise InvalidCursor from error
        return Cursor(sort, typed, offset)

    def _typed(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            raise TypeError(name)
        if self._types[name] is not datetime:
            return value
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None or not 1970 <= instant.year <= 2200:  # noqa: PLR2004 - what MongoDB and UTC can store
            raise ValueError(name)
        return instant


def _content(cursor: str) -> tuple[str, Sequence[object], int]:
    if len(cursor) > _LONGEST_CURSOR:
        raise ValueError
    spelt, values, offset = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), allow_inf_nan=False)
    if not isinstance(spelt, str) or not isinstance(values, list) or type(offset) is not int or not 0 <= offset < 2**31:
        raise TypeError
    return spelt, values, offset
