"""Pages of lists that are read whole, while they change."""

import random
from dataclasses import dataclass
from operator import attrgetter

import pytest

from parley_core.errors import InvalidCursor
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import CursorQuery, Listing
from parley_core.http.walks import Walks

WALKS = Walks(Cursors(bytes(range(64))))


@dataclass(frozen=True)
class Thing:
    """Something that came at a time."""

    name: str
    time: int


def page(things: list[Thing], of: str = "things", **query: object) -> Listing[Thing]:
    asked = CursorQuery.model_validate(query)
    return WALKS.page(things, asked, of=of, order=lambda thing: (thing.time,), name=attrgetter("name"))


def things_of(times: list[int]) -> list[Thing]:
    return [Thing(f"{number:03}", time) for number, time in enumerate(times)]


class TestUnchanged:
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    @pytest.mark.parametrize("offset", [0, 1, 4])
    def test_each_once(self, limit: int, offset: int) -> None:
        """A walk from any offset gives each item once, those of one time in the order in which they are given."""
        things = things_of([1, 1, 3, 3, 3, 3, 2, 5])
        found = page(things, limit=limit, offset=offset)
        seen = [*found.items]
        while found.cursor:
            assert (found.total, found.offset) == (8, offset + len(seen) - len(found.items))
            found = page(things, limit=limit, cursor=found.cursor)
            seen += found.items
        assert seen == sorted(things, key=attrgetter("time"))[offset:]

    def test_beyond_the_end(self) -> None:
        """A page beyond the end has no items and no next one."""
        assert page(things_of([1, 2]), offset=2) == Listing([], total=2, offset=2, cursor=None)
        assert page([]) == Listing([], total=0, offset=0, cursor=None)


class TestChanging:
    @pytest.mark.parametrize("times", [1, 3, 40], ids="{} times".format)
    def test_what_stays_is_met_once(self, times: int) -> None:
        """Whatever comes and goes, also all that was shown, each item that stays is met once."""
        chance = random.Random(7)  # noqa: S311 - the same walk on every run
        for _ in range(50):
            present = things_of([chance.randrange(times) for _ in range(30)])
            lasting, seen = set(chance.sample(present, 15)), list[Thing]()
            cursor: dict[str, str] = {}
            for number in range(100):
                found = page(present, limit=4, **cursor)
                seen += found.items
                if found.cursor is None:
                    break
                cursor = {"cursor": found.cursor}
                present = [thing for thing in present if thing in lasting or chance.random() < 0.7]
                present.append(Thing(f"new {number}", chance.randrange(times)))
            assert len(seen) == len(set(seen))
            assert lasting <= set(seen)

    def test_an_offset_would_miss(self) -> None:
        """The check above can fail: by offset an item is missed once an earlier one has gone."""
        things = things_of([1, 2, 3, 4])
        assert things[2] not in [*page(things, limit=2).items, *page(things[1:], limit=2, offset=2).items]


class TestRefused:
    def test_elsewhere(self) -> None:
        """A cursor is one of its list, without an offset."""
        things = things_of([1, 2])
        cursor = page(things, limit=1).cursor
        for query in ({"of": "others"}, {"offset": 1}):
            with pytest.raises(InvalidCursor):
                page(things, cursor=cursor, **query)
        with pytest.raises(InvalidCursor):
            page(things, cursor="made up")

    def test_longest(self) -> None:
        """A hundred items of one time make cursors that are accepted."""
        things = [Thing(f"{number:024}", 1) for number in range(100)]
        found = page(things, limit=99)
        assert page(things, cursor=found.cursor).items == things[99:]
