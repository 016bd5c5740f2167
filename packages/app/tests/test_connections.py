"""As many connections as the limit of open files allows: the others wait for nobody, and no descriptor runs out."""

import contextlib
import resource
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from parley_app.connections import Connections, Limits
from parley_app.descriptors import raise_limit, reserve_of
from parley_app.testing import Connection, Serving, Start, eventually, lines_of
from parley_core.testing.metrics import Metrics

LIMIT = 128
# Half of such a small limit is kept for all else.
ROOM = LIMIT - reserve_of(LIMIT, pool_size=16)
HOST = "Host: parley.example"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, probe: Path, mongodb_uri: str) -> Iterator[Serving]:
    """One `parley serve` that may open 128 files, with the plugin `probe`; MongoDB needs more."""
    starter = Start(tmp_path_factory.mktemp("narrow"), open_files=LIMIT)
    settings = {
        "PARLEY_MONGODB_URI": mongodb_uri,
        "PARLEY_MONGODB_DATABASE": "narrow",
        "PARLEY_JWT_SECRET": secrets.token_urlsafe(48),
    }
    yield starter(PYTHONPATH=str(probe), **settings)
    starter.end_all()


def open_files(serving: Serving) -> int:
    """How many files it has open."""
    return len(list(Path(f"/proc/{serving.process.pid}/fd").iterdir()))


@contextlib.contextmanager
def many(serving: Serving, count: int, *lines: str) -> Iterator[list[Connection]]:
    """So many connections, on each of which this is sent."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(serving.connect()) for _ in range(count)]
        if lines:
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.send(*lines)
        yield connections


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("GET /healthz HTTP/1.1", HOST),
        ("POST /v1/auth/login HTTP/1.1", HOST, "Content-Type: application/json", "Content-Length: 9"),
    ],
    ids=["silent", "idle", "in a body"],
)
def test_others(narrow: Serving, lines: tuple[str, ...]) -> None:
    """A client with more connections than there is room for keeps nobody else from being answered."""
    with many(narrow, 2 * LIMIT, *lines):
        for _ in range(50):
            assert narrow.get("/readyz").status_code == 200
    assert open_files(narrow) < LIMIT
    assert "Traceback" not in narrow.logged


def test_turned_away(narrow: Serving) -> None:
    """Where all are being served, a new one is answered 503 and ended; a place that is free again is used."""
    with many(narrow, ROOM, "GET /v1/probe/waiting HTTP/1.1", HOST) as served:
        for connection in served:
            assert connection.socket.recv(1)
        with narrow.connect() as connection:
            connection.send("GET /healthz HTTP/1.1", HOST)
            answer = connection.answer()
            assert answer
            assert (answer.status, answer.problem["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert connection.answer() is None
        with many(narrow, LIMIT, "GET /healthz HTTP/1.1", HOST) as others:
            statuses = {answer.status for connection in others if (answer := connection.answer())}
        assert statuses == {503}
        assert open_files(narrow) < LIMIT
    eventually(lambda: narrow.get("/healthz").status_code == 200)
    logged = [datetime.fromisoformat(line["at"]) for line in lines_of("connections_full", narrow)]
    assert logged
    assert all(later - earlier >= timedelta(seconds=59) for earlier, later in pairwise(logged))
    assert "Traceback" not in narrow.logged


class Asking:
    """A connection on which a request is being served."""

    def __init__(self) -> None:
        self.is_turned_away = False

    def expendable(self, now: float) -> None:
        return None

    def is_overdue(self, now: float) -> bool:
        return False

    def turn_away(self) -> None:
        self.is_turned_away = True

    def end(self) -> None:
        raise AssertionError("it was ended")


def test_turned_away_is_counted(metrics: Metrics) -> None:
    """A connection for which there is no room is a refusal."""
    connections = Connections(Limits(connections=2, refused=2, head_bytes=1, head_seconds=1, write_seconds=1))
    peers = [Asking() for _ in range(3)]
    for peer in peers:
        connections.add(peer)
    assert [peer.is_turned_away for peer in peers] == [False, False, True]
    assert metrics.value("parley.refusals", budget="connections") == 1


def test_limit_is_raised() -> None:
    """It is the highest that this user may set."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 256), before[1]))
        assert raise_limit() == min(before[1], 2**20)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(("limit", "reserve"), [(65536, 128), (1024, 128), (256, 128), (128, 64)])
def test_reserve(limit: int, reserve: int) -> None:
    """It is enough for the database and a hundred files more, and half of a small limit."""
    assert reserve_of(limit, pool_size=16) == reserve
