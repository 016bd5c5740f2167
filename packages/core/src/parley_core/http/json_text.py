"""The text of a JSON body: what it means, once it is small, shallow and names no key twice."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from parley_core.errors import FieldError, ValidationError
from parley_core.pointers import pointer_to

MOST_LEVELS = 180
"""Levels of nesting at most, which is what MongoDB stores."""

_BROKEN = FieldError("#", "json_invalid", "Is not valid JSON")
# What stands before a value, or a string, of which a member has two; one that never ends goes to the end of the text.
_TOKEN = rb'[^",\[{]*+(?:[,\[{]|"[^"\\]*+(?:\\.[^"\\]*+)*+"?+)'
_TOKENS_PER_VALUE = 3


class _Members(list[tuple[str, Any]]):
    """The members of an object in their order, those that repeat a key too."""


def read_json(text: bytes, *, most_values: int) -> Any:
    """Return what a JSON text means.

    Args:
        text: the text, in UTF-8.
        most_values: how many members of objects and items of lists it may have together.

    Raises:
        ValidationError: it is not JSON (RFC 8259), has a key twice in an object, or too many values or levels.
    """
    if _has_too_many_tokens(text, most_values):
        raise _too_many(most_values)
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise ValidationError(errors=[_BROKEN]) from None
    # A text has at least as many colons as members, so that only other colons or a repeated key make the difference.
    if text.count(b":") > _keys_in(value, most_values) and (errors := [*_repeated_keys(text)]):
        raise ValidationError(errors=errors)
    return value


def _has_too_many_tokens(text: bytes, most_values: int) -> bool:
    """Return whether the text has more values for certain; it costs little, however many there are."""
    if text.count(b",") + text.count(b"[") + text.count(b"{") <= most_values:
        return False
    return _tokens(_TOKENS_PER_VALUE * most_values + 1).match(text) is not None


@functools.cache
def _tokens(count: int) -> re.Pattern[bytes]:
    return re.compile(rb"(?>%b){%d}" % (_TOKEN, count), re.DOTALL)


def _keys_in(value: Any, most_values: int) -> int:
    """Return the number of keys in all objects; raise where there are too many values or levels."""
    keys = values = levels = 0
    level = _containers([value])
    while level:
        members = [member for outer in level for member in (outer.values() if isinstance(outer, dict) else outer)]
        keys += sum(len(outer) for outer in level if isinstance(outer, dict))
        values += len(members)
        levels += 1
        if values > most_values:
            raise _too_many(most_values)
        if levels > MOST_LEVELS:
            message = f"Must be nested at most {MOST_LEVELS} levels deep"
            raise ValidationError(errors=[FieldError("#", "too_deep", message)])
        level = _containers(members)
    return keys


def _containers(values: list[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]


def _too_many(most: int) -> ValidationError:
    return ValidationError(errors=[FieldError("#", "too_many_values", f"Must have at most {most:,} values")])


def _repeated_keys(text: bytes) -> Iterator[FieldError]:
    # Numbers stay text: Python's own limit on long ones isn't the one that has passed them.
    value = json.loads(text.decode(), object_pairs_hook=_Members, parse_int=str, parse_float=str)
    for pointer in _repeated_in(value, ()):
        yield FieldError(pointer, "duplicate_key", "Must be given once")


def _repeated_in(value: Any, path: tuple[int | str, ...]) -> Iterator[str]:
    seen = set()
    for key, inner in value if isinstance(value, _Members) else enumerate(value) if isinstance(value, list) else ():
        if key in seen:
            yield pointer_to((*path, key))
        seen.add(key)
        yield from _repeated_in(inner, (*path, key))
