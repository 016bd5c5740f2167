"""Mixed requests for a long time beside open streams: memory and descriptors of the server stay what they were.

The budget is the number of requests.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from soaked import ADMIN, Call, Cast
from soaking import Memory, Server, growth_in_second_half

from parley_app.testing import Serving, Start, eventually, install_plugin

SHORT = 1_500
STREAMS, CALLERS = 100, 16
MOST_GROWTH = 5.0
"""Megabytes in the second half of a run."""
_SAMPLES = 200
_EVENTS = STREAMS // 5
_SETTINGS = {
    "PARLEY_ADMIN_EMAIL": ADMIN["email"],
    "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
    "PARLEY_ACCESS_TOKEN_MINUTES": "60",
    "PARLEY_STREAMS_PER_USER": "0",
    "PARLEY_MESSAGES_PER_MINUTE": "0",
    "PARLEY_MESSAGE_BYTES_PER_MINUTE": "0",
    "PARLEY_LOG_LEVEL": "error",
    # So small that it is full before the second half.
    "PARLEY_CACHE_MAX_BYTES": str(1024**2),
}
# What only the control asks for: each answer leaves 100 KB and an open file behind.
_LEAK = """
from parley_core import PublicRoute, Router, hookimpl

router = Router(prefix="/leak", tag="leak")
kept = []

@router.get("")
async def leak() -> None:
    kept.append((open("/dev/null"), b"x" * 100_000))

@hookimpl
def parley_routers():
    return [router]

@hookimpl
def parley_public_routes():
    return [PublicRoute("GET", "/v1/leak", "the control of a test")]
"""


@pytest.fixture
def serving(start: Start, tmp_path: Path) -> Serving:
    """A real `parley serve` with a worker of its own, and the plugin of the control."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install_plugin(plugins, "leaking", _LEAK)
    return start("--data-dir", tmp_path / "data", PYTHONPATH=str(plugins), **_SETTINGS)


async def test_memory_and_descriptors_stay(
    serving: Serving, budget: int, seed: int, figures: Callable[[str], None]
) -> None:
    """After a long run nothing has grown and nothing is left open; then the same checks find a leak."""
    server = Server.of(serving)
    chosen, wrong = random.Random(seed), Counter[str]()  # noqa: S311 - reproducible
    async with _client(serving) as client:
        cast = Cast(client)
        await cast.prepare()
        await _send(client, cast, chosen, CALLERS * 10, wrong)
        before = await _settled(server)
        memory = Memory(server)
        async with _streams(serving, cast) as received:
            await _send(client, cast, chosen, budget, wrong, memory=memory)
            await cast.greet()
            await _received_by_all(received)
        after = await _settled(server)
    grown = memory.grown()
    figures(
        f"seed {seed}, {budget} requests, {STREAMS} streams, {sum(received.values())} events received, "
        f"{sum(wrong.values())} wrong answers, {memory.samples[0]:.1f} MB at first and {memory.samples[-1]:.1f} MB at "
        f"last, {grown:+.1f} MB in the second half, {len(before)} descriptors before and {len(after)} after"
    )
    assert not wrong
    assert grown < MOST_GROWTH, memory.samples
    assert len(after) <= len(before), sorted(after)
    await _finds_a_leak(serving, server)


async def _finds_a_leak(serving: Serving, server: Server) -> None:
    """Control: what an answer keeps each time is seen as memory that grows and as descriptors that stay."""
    before, memory = len(server.descriptors()), Memory(server)
    async with _client(serving) as client:
        for _ in range(200):
            (await client.get("/v1/leak")).raise_for_status()
            memory.sample()
    assert memory.grown() > MOST_GROWTH
    # Connections of the run before may have been open still.
    assert len(await _settled(server)) > before + 150


@pytest.mark.parametrize(
    ("samples", "grows"),
    [
        ([100 + n / 10 for n in range(200)], True),
        ([100 + min(n, 100) for n in range(200)], False),
        ([100 + n % 10 * 2 for n in range(200)], False),
        ([100] * 150 + [106] * 50, True),
    ],
    ids=["steadily", "until the middle", "up and down", "late"],
)
def test_growth_in_second_half(samples: list[float], *, grows: bool) -> None:
    """What grows in the second half is seen, what was full before or goes up and down isn't."""
    assert (growth_in_second_half(samples) >= MOST_GROWTH) is grows


@asynccontextmanager
async def _client(serving: Serving) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
    async with httpx.AsyncClient(base_url=serving.url, timeout=60, limits=limits) as client:
        yield client


async def _send(
    client: httpx.AsyncClient,
    cast: Cast,
    chosen: random.Random,
    number: int,
    wrong: Counter[str],
    *,
    memory: Memory | None = None,
) -> None:
    """Send so many requests, some at once; count answers with another status than they must have."""
    calls = iter([cast.any_call(chosen) for _ in range(number)])
    sent = 0

    async def one() -> None:
        nonlocal sent
        for call in calls:
            answer = await _answer(client, cast, call)
            if answer.status_code != call.status:
                wrong[f"{call.method} {call.path}: {answer.status_code} {answer.text[:200]}"] += 1
            sent += 1
            if memory is not None and sent % max(1, number // _SAMPLES) == 0:
                memory.sample()

    await asyncio.gather(*(one() for _ in range(CALLERS)))


async def _answer(client: httpx.AsyncClient, cast: Cast, call: Call) -> httpx.Response:
    answer = await _sent(client, cast, call)
    if answer.status_code == httpx.codes.UNAUTHORIZED and call.who is not None:  # an hour has passed
        await cast.log_in()
        answer = await _sent(client, cast, call)
    return answer


async def _sent(client: httpx.AsyncClient, cast: Cast, call: Call) -> httpx.Response:
    headers = cast.headers(call.who) | ({"Content-Type": "application/json"} if call.content else {})
    return await client.request(call.method, call.path, json=call.json, content=call.content, headers=headers)


@asynccontextmanager
async def _streams(serving: Serving, cast: Cast) -> AsyncIterator[Counter[int]]:
    """Follow logs of messages and the log of all changes; yield how many events each stream has received."""
    received: Counter[int] = Counter()
    paths = [f"/v1/interviews/{cast.interviews[n % 20]}/messages/stream" for n in range(STREAMS - _EVENTS)]
    followed = [*((path, "interviewer") for path in paths), *[("/v1/events/stream?after=0", "admin")] * _EVENTS]
    async with AsyncExitStack() as stack:
        for number, (path, who) in enumerate(followed):
            reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
            stack.push_async_callback(_closed, writer)
            lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in cast.headers(who).items())]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            assert b" 200 " in await reader.readline()
            task = asyncio.create_task(_follow(reader, number, received))
            stack.callback(task.cancel)
        yield received


async def _follow(reader: asyncio.StreamReader, number: int, received: Counter[int]) -> None:
    while line := await reader.readline():
        received[number] += line.startswith(b"id:")


async def _received_by_all(received: Counter[int]) -> None:
    """Return when each stream has received something; fail when one doesn't."""
    await asyncio.to_thread(eventually, lambda: len(received) == STREAMS)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def _settled(server: Server) -> list[str]:
    """Return the open descriptors once their number has not changed for a second."""
    seen: list[int] = []

    def is_settled() -> bool:
        seen.append(len(server.descriptors()))
        return len(seen) > 50 and len(set(seen[-50:])) == 1

    await asyncio.to_thread(eventually, is_settled)
    return server.descriptors()
