"""How much a test repeats: a little in plain nox, all of it in `nox -s attacks`, which sets TESTS_COUNTS."""

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

_FULL = os.environ.get("TESTS_COUNTS") == "full"
_One = TypeVar("_One")
_Other = TypeVar("_Other")


def rounds(few: int, *, full: int) -> int:
    """Return how many rounds a test takes."""
    return full if _FULL else few


def pairs(ones: Sequence[_One], others: Sequence[_Other]) -> Iterable[tuple[_One, _Other]]:
    """Return each of the ones with each of the others; in plain nox so many pairs that each occurs in one."""
    if _FULL:
        return itertools.product(ones, others)
    turns = range(max(len(ones), len(others)))
    return [(ones[turn % len(ones)], others[turn % len(others)]) for turn in turns]
