"""What is measured of Parley: the accounts, the requests, and one measurement of a case."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from benchmarks.data import READERS, an_id, token
from benchmarks.load import UNIQUE
from benchmarks.machine import CONNECTIONS, Server, call, load, request
from benchmarks.servers import ADMIN, HERE, Tree, parley

NEW = {"title": "Engineer", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
CHANGE = {"description": f"Change {UNIQUE}"}
LIST = "/interviews?status=scheduled&sort=-created_at"
INTERVIEWS = 1000
# Three of four interviews are scheduled (see data.py). The first forty are read, the next forty hold the messages that
# are posted; the rest is patched, a whole number for each connection, so that no two connections write the same one.
_READ = range(40)
_POSTED = [number for number in range(40, 80) if number % 4]
PATCHED = [number for number in range(80, INTERVIEWS) if number % 4][: 21 * CONNECTIONS]


@dataclass(frozen=True)
class Reader:
    """An account with its tokens for Parley and for the peers."""

    id: str
    parley: str
    peer: str
    password: str


@dataclass(frozen=True)
class Case:
    """One thing to measure: requests to a server; `before` is called before each measurement."""

    name: str
    server: Server
    requests: Sequence[str]
    expected: str = "200"
    before: Callable[[], object] | None = None

    def measure(self, seconds: float, *, connections: int = CONNECTIONS) -> dict[str, Any]:
        """Load the server.

        Raises:
            RuntimeError: the server answered another status than the case expects.
        """
        if self.before:
            self.before()
        result = load(self.server, self.requests, seconds=seconds, connections=connections)
        if set(result["statuses"]) != {self.expected}:
            raise RuntimeError(f"{self.name} answered {result['statuses']}")
        return result


Measured = dict[str, list[dict[str, Any]]]
_WARM_UP_SECONDS = 0.5


class Measurable(Protocol):
    """A case, or what is measured like one."""

    @property
    def name(self) -> str:
        """Its name in the report."""

    def measure(self, seconds: float, *, connections: int) -> dict[str, Any]:
        """Return the results of some seconds."""


def measure(todo: Sequence[Measurable], rounds: int, seconds: float, *, connections: int = CONNECTIONS) -> Measured:
    """Measure each case once in each round; a first round is not counted."""
    measured: Measured = defaultdict(list)
    for number in range(rounds + 1):
        for case in todo:
            result = case.measure(seconds if number else min(seconds, _WARM_UP_SECONDS), connections=connections)
            if number:
                measured[case.name].append(result)
    return measured


def accounts(uri: str, database: str, tree: Tree = HERE) -> tuple[str, list[Reader]]:
    """Create the readers through the API; return an administrator's token and the readers."""
    with parley(uri, database, tree=tree) as server:
        admin = _logged_in(server, ADMIN)
        return admin, [_reader(server, admin, n) for n in range(READERS)]


def _reader(server: Server, admin: str, number: int) -> Reader:
    account = {"email": f"reader-{number}@example.com", "password": f"nine green bottles {number}"}
    user = call(server, "/v1/users", admin, account | {"role": "interviewer"})
    return Reader(user["id"], _logged_in(server, account), token(user["id"]), account["password"])


def _logged_in(server: Server, account: dict[str, str]) -> str:
    return str(call(server, "/v1/auth/login", body=account)["access_token"])


def items(readers: Sequence[Reader]) -> list[tuple[Reader, str]]:
    """Return interviews to read, each with a reader who takes part in it."""
    return [(readers[number % len(readers)], an_id(2, number)) for number in _READ]


def reads(server: Server, readers: Sequence[Reader]) -> Iterator[Case]:
    """Return what is measured of reading."""
    v1 = "/v1/interviews"
    yield Case("item", server, [request(f"{v1}/{i}", reader.parley) for reader, i in items(readers)])
    yield Case("list", server, [request(f"/v1{LIST}", reader.parley) for reader in readers])
    yield Case("me", server, [request("/v1/users/me", reader.parley) for reader in readers])
    yield Case("messages", server, [request(f"{v1}/{an_id(2, 0)}/messages", readers[0].parley)])


def pages(server: Server, admin: str, reader: Reader) -> Iterator[Case]:
    """Return what is measured of other lists: a history, the accounts, the log of all changes, a calendar."""
    feed = urlsplit(call(server, "/v1/calendar/feeds", reader.parley, {"name": "Bench"})["url"]).path
    yield Case("history", server, [request(f"/v1/interviews/{i}/history", admin) for i in _ids(_READ)])
    yield Case("users", server, [request("/v1/users", admin)])
    yield Case("events", server, [request(f"/v1/events?after={after}", admin) for after in range(0, 1000, 20)])
    yield Case("calendar feed", server, [request(feed)])


def _ids(numbers: Iterable[int]) -> list[str]:
    return [an_id(2, number) for number in numbers]


def writes(server: Server, admin: str, readers: Sequence[Reader]) -> Iterator[Case]:
    """Return what is measured of writing."""
    v1 = "/v1/interviews"
    patched = [f"{v1}/{i}" for i in _ids(PATCHED)]
    posted = [(f"{v1}/{an_id(2, n)}/messages", readers[n % len(readers)].parley) for n in _POSTED]
    yield Case("create", server, [request(v1, admin, NEW)], "201")
    yield Case("patch", server, [request(path, admin, CHANGE, method="PATCH") for path in patched])
    yield Case("post", server, [request(path, sender, {"content": "Hello"}) for path, sender in posted], "201")
