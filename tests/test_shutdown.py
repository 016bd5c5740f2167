"""`parley serve` stops with open streams."""

import asyncio
import math
import socket
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import httpx
import pytest
from counts import rounds

from parley_app.testing import Serving, Start, eventually
from parley_core.testing.streams import StreamEvent
from parley_messaging.testing import Listener, address, listening

ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}
SETTINGS = {
    "PARLEY_ADMIN_EMAIL": ADMIN["email"],
    "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
    "PARLEY_STREAMS_PER_USER": "0",
}
# Streams go on while the server tells that it is about to stop.
DRAIN = 3
STREAMS = rounds(20, full=150)
STALLED = rounds(6, full=60)
# Each of them more than a socket's buffers take.
UNREAD = "GET /openapi.json HTTP/1.1\r\nHost: parley.example\r\n\r\n" * 100


async def joined(client: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    """An interview's messages, and the headers of an administrator who takes part in it."""
    token = (await client.post("/v1/auth/login", json=ADMIN)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    interview = await client.post(
        "/v1/interviews",
        headers=headers,
        json={
            "title": "Backend",
            "interview_type": "technical",
            "scheduled_at": "2027-03-01T09:30:00Z",
            "participants": [{"user_email": ADMIN["email"]}],
        },
    )
    assert interview.status_code == 201, interview.text
    return address(interview.json()["id"]), headers


async def stopped(serving: Serving, drain: float = 0) -> tuple[float, list[list[StreamEvent]]]:
    """How long it took to stop with open streams, and what each of them said from then on."""
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=None)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=serving.url, timeout=20, limits=limits))
        messages, headers = await joined(client)
        streams: list[Listener] = [
            await stack.enter_async_context(listening(client, messages, headers)) for _ in range(STREAMS)
        ]
        # Half of them follow the log of all changes.
        streams += [
            await stack.enter_async_context(listening(client, "/v1/events", headers, type="message.posted"))
            for _ in range(STREAMS)
        ]
        await client.post(messages, headers=headers, json={"content": "Hello"})
        assert all(await asyncio.gather(*(stream.events(1) for stream in streams)))
        begun = time.monotonic()
        serving.process.terminate()
        if drain:
            await asyncio.to_thread(eventually, lambda: serving.get("/readyz").status_code == 503)
            await client.post(messages, headers=headers, json={"content": "Still here"})
            assert all(await asyncio.gather(*(stream.events(1) for stream in streams)))
        last = await asyncio.gather(*(stream.rest() for stream in streams))
        code = await asyncio.to_thread(serving.process.wait, 30)
        assert code == 0
        return time.monotonic() - begun, last


@pytest.mark.parametrize(
    ("workers", "limit"),
    [(1, math.inf), *(pytest.param(*case, marks=pytest.mark.chaos) for case in ((3, math.inf), (1, 2), (3, 2)))],
    ids=["1", "3", "1-in time", "3-in time"],
)
async def test_open_streams(start: Start, tmp_path: Path, *, workers: int, limit: float) -> None:
    """It ends open streams, each of which says when to come back; on a quiet machine it is gone within 2 seconds.

    If it didn't end them itself, it would cut them off after a grace of ten seconds, and they would say nothing.
    """
    settings = SETTINGS | {"PARLEY_DRAIN_SECONDS": str(DRAIN)}
    serving = start("--workers", str(workers), "--data-dir", tmp_path / "data", **settings)
    seconds, last = await stopped(serving, DRAIN)
    for events in last:
        assert [event.fields.keys() for event in events] == [{"retry"}]
        assert 1000 <= int(events[0].fields["retry"]) <= 3000
    assert DRAIN <= seconds < DRAIN + limit, serving.logged
    assert serving.logged.count("Traceback") == 0


def stalled(serving: Serving, stack: ExitStack) -> None:
    """Open connections whose client reads nothing of what it asks for, and return when they can't be written to."""
    for _ in range(STALLED):
        connection = stack.enter_context(serving.connect())
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.socket.sendall(UNREAD.encode())
    # This route has no template to log.
    eventually(lambda: serving.logged.count("GET - 200") >= STALLED)


@pytest.mark.parametrize("limit", [8, pytest.param(3, marks=pytest.mark.chaos)], ids=["", "in time"])
async def test_stalled_readers(start: Start, tmp_path: Path, *, limit: float) -> None:
    """Whoever reads nothing of their answers doesn't keep it from stopping; on a quiet machine it takes 3 seconds.

    It would wait for them for ten seconds, which is the time that running requests have.
    """
    serving = start("--data-dir", tmp_path / "data", **SETTINGS)
    with ExitStack() as stack:
        stalled(serving, stack)
        seconds, last = await stopped(serving)
    assert all([event.fields.keys() for event in events] == [{"retry"}] for events in last)
    assert seconds < limit, serving.logged
    assert "Traceback" not in serving.logged
