"""Merging busy times: what they cover stays the same, in as few times as there can be."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from parley_core.testing import NOON
from parley_interviews.availability.busy_times import BusyTime, merged

SPAN = 0, 10


def at(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


def times(*hours: tuple[int, int]) -> list[BusyTime]:
    return [BusyTime(at(start), at(end)) for start, end in hours]


CASES: dict[str, tuple[Sequence[tuple[int, int]], Sequence[tuple[int, int]]]] = {
    "none": ([], []),
    "one": ([(1, 2)], [(1, 2)]),
    "apart": ([(3, 4), (1, 2)], [(1, 2), (3, 4)]),
    "overlapping": ([(1, 3), (2, 4)], [(1, 4)]),
    "touching": ([(2, 3), (1, 2)], [(1, 3)]),
    "inside": ([(1, 5), (2, 3), (4, 6)], [(1, 6)]),
    "the same": ([(1, 2), (1, 2)], [(1, 2)]),
    "over the begin": ([(-3, 1)], [(0, 1)]),
    "over the end": ([(9, 12)], [(9, 10)]),
    "over both": ([(-3, 12)], [(0, 10)]),
    "two over the begin": ([(-1, 2), (-3, 4)], [(0, 4)]),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    given, expected = CASES[name]
    assert merged(times(*given), *map(at, SPAN)) == times(*expected)


def test_covers_the_same() -> None:
    """Any times cover the same hours of the span before and after, and those that are left don't touch."""
    dice = random.Random(15)  # noqa: S311 - the same times on every run
    for _ in range(300):
        given = [(start, start + dice.randint(1, 6)) for start in dice.choices(range(-5, 9), k=dice.randint(0, 8))]
        given = [(start, end) for start, end in given if end > SPAN[0]]
        found = merged(times(*given), *map(at, SPAN))
        assert covered(found) == {hour for hour in covered(times(*given)) if hour in range(*SPAN)}
        assert all(one.ends_at < following.starts_at for one, following in pairwise(found))


def covered(found: Sequence[BusyTime]) -> set[int]:
    """Return the hours that begin in one of these times."""
    return {hour for hour in range(-5, 20) if any(one.starts_at <= at(hour) < one.ends_at for one in found)}
