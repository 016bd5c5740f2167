"""Count what one request visits: files of the Parley packages, calls, and changes from one file to another.

python -m benchmarks.way [--list]
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from parley_app import create_app
from parley_core.embedded import embedded_mongodb

RUNS = 5
ADMIN = {"email": "admin@example.com", "password": "nine green bottles of beer"}
INTERVIEWER = {"email": "ada@example.com", "password": "nine green bottles of tea"}
INTERVIEW = {"title": "Engineer", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
_OURS = re.compile(r"/(?:src|site-packages)/(parley_\w+/.+\.py)$")
# Background tasks, such as the reader of the change stream, get this long to become idle again.
_SETTLE_SECONDS = 0.1


@dataclass
class Visits:
    """The files in the order of the calls, those of background tasks apart."""

    own: list[str] = field(default_factory=list)
    background: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        """Return each file once, in the order of the first visits."""
        return list(dict.fromkeys(self.own))

    @property
    def changes(self) -> int:
        """Return how often a call is in another file than the call before it."""
        return sum(before != after for before, after in pairwise(self.own))


@contextmanager
def counting() -> Iterator[Visits]:
    """Count the calls on this event loop during the block.

    A coroutine counts once, however often it is resumed. Tasks that started before the block count as background.
    """
    visits, before = Visits(), asyncio.all_tasks() - {asyncio.current_task()}
    frames: dict[int, FrameType] = {}  # keeps them, so that no id is used twice

    def visit(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or id(frame) in frames or not (found := _OURS.search(frame.f_code.co_filename)):
            return
        frames[id(frame)] = frame
        (visits.background if asyncio.current_task() in before else visits.own).append(found[1])

    sys.setprofile(visit)
    try:
        yield visits
    finally:
        sys.setprofile(None)


@dataclass(frozen=True)
class Way:
    """A request to count: `path` may differ from run to run."""

    name: str
    method: str
    path: Callable[[int], str]
    body: dict[str, Any] | None = None


async def count(client: httpx.AsyncClient, way: Way) -> Visits:
    """Return what the last of some runs visits, with the background of all; the first run only warms up."""
    runs = []
    for run in range(RUNS + 1):
        with counting() as visits:
            answer = await client.request(way.method, way.path(run), json=way.body)
        answer.raise_for_status()
        runs.append(visits)
        await asyncio.sleep(_SETTLE_SECONDS)
    return Visits(runs[-1].own, [file for visits in runs[1:] for file in visits.background])


def ways(addresses: Sequence[str]) -> list[Way]:
    """Return what is counted, on scheduled interviews of the caller: each status changes once."""
    return [
        Way("PATCH /v1/interviews/{id}/status", "PATCH", lambda n: f"{addresses[n]}/status", {"status": "ongoing"}),
        Way("POST /v1/interviews/{id}/messages", "POST", lambda _: f"{addresses[0]}/messages", {"content": "Hello"}),
        Way("GET /v1/interviews/{id}, cached", "GET", lambda _: addresses[0]),
    ]


async def prepare(client: httpx.AsyncClient) -> list[str]:
    """Log the client in as an interviewer; return the addresses of interviews that the interviewer takes part in."""
    await _log_in(client, ADMIN)
    user = await _post(client, "/v1/users", INTERVIEWER | {"role": "interviewer"})
    interview = INTERVIEW | {"participants": [{"user_id": user["id"]}]}
    created = [await _post(client, "/v1/interviews", interview) for _ in range(RUNS + 1)]
    await _log_in(client, INTERVIEWER)
    return [f"/v1/interviews/{interview['id']}" for interview in created]


async def _log_in(client: httpx.AsyncClient, account: dict[str, str]) -> None:
    answer = await _post(client, "/v1/auth/login", account)
    client.headers["Authorization"] = f"Bearer {answer['access_token']}"


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    answer.raise_for_status()
    return dict(answer.json())


async def count_all() -> dict[str, Visits]:
    """Return the visits of each request to an application that the environment configures."""
    app = create_app()
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://way") as client,
    ):
        return {way.name: await count(client, way) for way in ways(await prepare(client))}


def table(counted: dict[str, Visits]) -> Iterator[str]:
    """Write the counts as a table."""
    yield from ("| request | files | calls | changes of file | files with background tasks |", "|---|---|---|---|---|")
    for name, visits in counted.items():
        everything = len({*visits.own, *visits.background})
        yield f"| {name} | {len(visits.files)} | {len(visits.own)} | {visits.changes} | {everything} |"


def listing(counted: dict[str, Visits]) -> Iterator[str]:
    """Write each file with the number of calls in it."""
    for name, visits in counted.items():
        yield from ("", name)
        calls = Counter(visits.own)
        yield from (f"  {calls[file]:4} {file}" for file in visits.files)
        yield from (f"     + {file} (background)" for file in sorted({*visits.background} - {*visits.own}))


def main() -> None:
    """Count on an embedded MongoDB and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true", help="list the files by name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="way") as folder, embedded_mongodb(Path(folder)) as uri:
        os.environ |= {
            "PARLEY_MONGODB_URI": uri,
            "PARLEY_MONGODB_DATABASE": "way",
            "PARLEY_JWT_SECRET": "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu",
            "PARLEY_ADMIN_EMAIL": ADMIN["email"],
            "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
        }
        counted = asyncio.run(count_all())
    print(*table(counted), *(listing(counted) if options.list else ()), sep="\n")


if __name__ == "__main__":
    main()
