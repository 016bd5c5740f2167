"""The order of a stop: not ready, then no new connection, then the requests that run, then the end."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from parley_app.draining import Draining, LateStop
from parley_app.testing import Serving, Start, eventually
from parley_core.errors import Unavailable

_SECONDS = 3
# Of a quiet machine; what runs beside the tests takes its part.
_BUSY = 10


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture(params=["1", pytest.param("2", marks=pytest.mark.chaos)], ids=["alone", "workers"])
def draining(request: pytest.FixtureRequest, start: Start, tmp_path: Path, probe: Path) -> Serving:
    """A server that has got its signal to stop and takes its time."""
    settings = {"PARLEY_DRAIN_SECONDS": str(_SECONDS), "PYTHONPATH": str(probe)}
    serving = start("--workers", request.param, "--data-dir", tmp_path / "data", **settings)
    assert serving.get("/readyz").status_code == 200
    serving.process.terminate()
    return serving


def test_the_order_of_a_stop(draining: Serving) -> None:
    """It tells that it stops while it answers all else; then it takes no connection, and ends with the last request."""
    began = time.monotonic()
    eventually(lambda: draining.get("/readyz").status_code == 503, _SECONDS)
    assert draining.get("/readyz").json()["detail"].startswith("This server is about to stop")
    assert draining.get("/healthz").status_code == 200
    draining.process.terminate()  # A second signal changes nothing.
    with ThreadPoolExecutor(1) as others:
        paused = others.submit(httpx.get, f"{draining.url}/v1/probe/pause", timeout=30)
        eventually(lambda: _is_refused(draining.port), _SECONDS + _BUSY)
        assert time.monotonic() - began > _SECONDS - 1
        assert not paused.done()
        assert paused.result().json() == "paused"
    assert draining.process.wait(_BUSY) == 0
    assert "Traceback" not in draining.logged


@pytest.mark.chaos
def test_workers_that_are_replaced_do_not_drain(start: Start, tmp_path: Path) -> None:
    """The others serve: whoever asks for readiness learns of no stop."""
    serving = start("--workers", "2", "--data-dir", tmp_path / "data", PARLEY_DRAIN_SECONDS="300")
    old = serving.family("spawn_main")
    serving.process.send_signal(signal.SIGHUP)
    eventually(lambda: serving.get("/readyz").status_code != 200 or not {*old} & {*serving.family("spawn_main")})
    assert serving.get("/readyz").status_code == 200


class TestLateStop:
    @pytest.fixture
    def stopped(self) -> Iterator[asyncio.Queue[int]]:
        """The signals that were passed on."""
        passed: asyncio.Queue[int] = asyncio.Queue()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in before:
            signal.signal(number, lambda number, _: passed.put_nowait(number))
        yield passed
        for number, handler in before.items():
            signal.signal(number, handler)

    async def test_a_signal_is_passed_on_once_and_later(self, stopped: asyncio.Queue[int]) -> None:
        draining = Draining(threading.Event())
        LateStop(draining, 0.05).install()
        await draining.check_readiness()
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        assert (stopped.empty(), draining.is_under_way) == (True, True)
        with pytest.raises(Unavailable):
            await draining.check_readiness()
        assert await asyncio.wait_for(stopped.get(), 10) == signal.SIGTERM
        await asyncio.sleep(0.1)
        assert stopped.empty()

    async def test_a_server_that_has_failed_stops_at_once(self, stopped: asyncio.Queue[int]) -> None:
        """Before the signal, and while it is put off."""
        draining = Draining()
        late = LateStop(draining, 300)
        late.install()
        signal.raise_signal(signal.SIGTERM)
        late.give_up()
        signal.raise_signal(signal.SIGTERM)
        assert stopped.get_nowait() == signal.SIGTERM

    async def test_no_time_changes_nothing(self, stopped: asyncio.Queue[int]) -> None:
        LateStop(draining := Draining(), 0).install()
        signal.raise_signal(signal.SIGINT)
        assert (stopped.get_nowait(), draining.is_under_way) == (signal.SIGINT, False)
