"""A server whose clock differs from the database's: it is ready, and its log says so."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest

from parley_core import utc_now
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client


class WrongClock:
    """The machine's clock, some seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self.ahead = timedelta(seconds=ahead)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> WrongClock:
    return WrongClock(request.param)


@pytest.fixture
async def client(
    core_settings: CoreSettings, clock: WrongClock, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[httpx.AsyncClient]:
    caplog.set_level(logging.INFO, "parley.clock")
    async with running_client(
        an_application([core_settings], [a_plugin("nothing", parley_routers=[])], clock=clock)
    ) as client:
        yield client


def said(caplog: pytest.LogCaptureFixture, when: str) -> list[str]:
    """Return what the log says about clocks, of the start or of the test itself."""
    return [r.getMessage() for r in caplog.get_records(when) if r.name == "parley.clock"]  # type: ignore[arg-type]


@pytest.mark.parametrize(("clock", "how"), [(8, "ahead of"), (-8, "behind")], indirect=["clock"])
async def test_at_the_start(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, how: str) -> None:
    """The start names the seconds and NTP; requests don't repeat it, and the server is ready."""
    [line] = said(caplog, "setup")
    assert line == f"this server's clock is 8.0 s {how} the database's: synchronize both with NTP"
    for _ in range(2):
        assert (await client.get("/readyz")).status_code == 200
    assert said(caplog, "call") == []


@pytest.mark.parametrize("clock", [0], indirect=True)
async def test_later(client: httpx.AsyncClient, clock: WrongClock, caplog: pytest.LogCaptureFixture) -> None:
    """A clock that goes wrong later is noticed by the probe, and so is one that was set right; 1.5 s are no matter."""
    for seconds in (1.5, -3, -4, 0):
        clock.ahead = timedelta(seconds=seconds)
        assert (await client.get("/readyz")).status_code == 200
    wrong, right = said(caplog, "call")
    assert wrong.startswith("this server's clock is 3.0 s behind")
    assert right == "this server's clock agrees with the database's again"
    assert said(caplog, "setup") == []
