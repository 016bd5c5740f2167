"""Databases of different sizes, filled without their indexes, which are built at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from benchmarks import log_data
from benchmarks.cases import Reader, accounts
from benchmarks.data import an_id, fill, fill_accounts
from parley_core.log.reader import EVENTS

_LEAST = 10_000
_FILLED = ("interviews", "messages", EVENTS, "users")


@dataclass(frozen=True)
class Size:
    """How much a database contains; as many events as messages."""

    interviews: int
    messages: int
    accounts: int


def sizes(million: int) -> list[Size]:
    """Return the sizes to compare, the smallest first; `million` is the largest number of interviews.

    Raises:
        ValueError: the largest size isn't ten times the smallest.
    """
    if million < _LEAST:
        raise ValueError(f"the largest database has at least {_LEAST} interviews")
    middle = Size(million // 10, million // 10, million // 100)
    return [Size(_LEAST // 10, _LEAST, _LEAST // 10), middle, Size(million, million, million // 10)]


@dataclass(frozen=True)
class Grown:
    """A filled database, an administrator, and a reader; `first` is the position before the first filled event."""

    name: str
    size: Size
    admin: str
    reader: Reader
    first: int


def grow(uri: str, client: MongoClient[dict[str, Any]], size: Size) -> Grown:
    """Fill a database of a size, its first interview with a log of messages to which messages can be posted."""
    name = f"bench_{size.interviews}_{size.messages}"
    admin, readers = accounts(uri, name)
    database = client[name]
    with _without_indexes(database):
        fill(database, [r.id for r in readers], interviews=size.interviews, messages=size.messages)
        first = log_data.extend(database, size.messages)
        fill_accounts(database, size.accounts, like=readers[0].id)
    database["interviews"].update_one({"_id": an_id(2, 0)}, {"$set": {"status": "ongoing"}})
    return Grown(name, size, admin, readers[0], first)


@contextmanager
def _without_indexes(database: Database[dict[str, Any]]) -> Iterator[None]:
    # To build them once is several times faster than to write each document into each of them.
    found = {name: [dict(one) for one in database[name].list_indexes() if one["name"] != "_id_"] for name in _FILLED}
    for name in found:
        database[name].drop_indexes()
    yield
    for name, indexes in found.items():
        database.command("createIndexes", name, indexes=indexes)
