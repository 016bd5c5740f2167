"""What is changed again and again: data for many rounds, the requests, and how it is brought back between them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from pymongo.database import Database

from benchmarks.cases import CHANGE, PATCHED, Case, Reader
from benchmarks.data import NOW, PERSON, an_id, fill_accounts, stored_interview
from benchmarks.machine import CONNECTIONS, Server, request

AnyDatabase = Database[dict[str, Any]]
BARE = "bench_bare"
# Whole numbers for each connection, so that no two connections change the same interview.
_MOVED = range(200 * CONNECTIONS)
_FILLED = range(_MOVED.stop, _MOVED.stop + 20 * CONNECTIONS)
_PEOPLE = 1000
_ADDED = range(30)
_KIND = 10
_BACK = {"status": "scheduled", "participants": []}


def prepare(database: AnyDatabase, reader: Reader) -> None:
    """Store interviews to change and accounts to add, which log in with a reader's password.

    The bare updates change copies of the very interviews that are patched.
    """
    interviews = [_to_change(n) for n in range(_FILLED.stop)]
    database["interviews"].insert_many(interviews, ordered=False)
    fill_accounts(database, _PEOPLE, like=reader.id)
    database["interview_totals"].drop()
    copied = {"_id": {"$in": [an_id(2, number) for number in PATCHED]}}
    database["interviews"].aggregate([{"$match": copied}, {"$out": BARE}])


def changes(database: AnyDatabase, server: Server, admin: str, reader: Reader) -> Iterator[Case]:
    """Return what is measured of changes that can be done once, and of logins."""
    yield Case("status", server, list(_moves(admin)), before=_bring_back(database, _MOVED))
    yield Case("assign", server, list(_additions(admin)), "201", before=_bring_back(database, _FILLED))
    logins = [{"email": f"person-{n}@example.com", "password": reader.password} for n in _ADDED]
    yield Case("login", server, [request("/v1/auth/login", None, login) for login in logins])


def bare(server: Server, admin: str) -> Case:
    """Return the baseline of changes: one conditional update behind the same guard, see bare.py."""
    paths = [f"/v1/interviews/{an_id(2, number)}/bare" for number in PATCHED]
    return Case("bare update", server, [request(path, admin, CHANGE, method="PATCH") for path in paths], "201")


def _to_change(number: int) -> dict[str, Any]:
    """Return an interview on a day of its own: who is added to all of them has no two at the same time.

    That they have none is looked for all the same.
    """
    at = NOW + timedelta(days=number)
    times = {"scheduled_at": at, "ends_at": at + timedelta(hours=1)}
    return stored_interview(number, "") | {"_id": an_id(_KIND, number)} | times | _BACK


def _moves(admin: str) -> Iterator[str]:
    # Each connection starts an interview, then completes it.
    for first in _MOVED[::CONNECTIONS]:
        for status in ("ongoing", "completed"):
            for number in range(first, first + CONNECTIONS):
                path = f"/v1/interviews/{an_id(_KIND, number)}/status"
                yield request(path, admin, {"status": status}, method="PATCH")


def _additions(admin: str) -> Iterator[str]:
    for person in _ADDED:
        for number in _FILLED:
            path = f"/v1/interviews/{an_id(_KIND, number)}/participants"
            yield request(path, admin, {"user_id": an_id(PERSON, person)})


def _bring_back(database: AnyDatabase, numbers: Sequence[int]) -> Callable[[], object]:
    where = {"_id": {"$gte": an_id(_KIND, numbers[0]), "$lte": an_id(_KIND, numbers[-1])}}
    return lambda: database["interviews"].update_many(where, {"$set": _BACK})
