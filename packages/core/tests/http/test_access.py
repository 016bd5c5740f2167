"""Probes are silent unless their answer changes."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from parley_core.http.access import ProbeAnswers
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client
from parley_core.testing.log_lines import lines_of


class TestProbeAnswers:
    def test_changes(self) -> None:
        """The first 200 is none; each other status is, once, and so is the return to 200."""
        probes = ProbeAnswers()
        statuses = [200, 200, 503, 503, 500, 200, 200]
        assert [probes.is_news("GET", "/readyz", status) for status in statuses] == [
            *(False, False),
            *(True, False),
            True,
            *(True, False),
        ]

    def test_apart(self) -> None:
        """Each probe has its own answers, whatever its method; nothing else is a probe."""
        probes = ProbeAnswers()
        assert probes.is_news("GET", "/readyz", 503)
        assert not probes.is_news("HEAD", "/readyz", 503)
        assert not probes.is_news("GET", "/healthz", 200)
        for method, path in (("POST", "/healthz"), ("GET", "/v1/healthz"), ("GET", "/"), ("GET", "/healthz/")):
            assert all(probes.is_news(method, path, 200) for _ in range(2))


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(an_application([core_settings], [a_plugin("notes", parley_settings=[])])) as client:
        yield client


async def test_lines(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """A thousand probes are no line, and other requests still are one each."""
    caplog.set_level(logging.INFO, "parley.access")
    for _ in range(500):
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.head("/readyz")).status_code == 200
    assert lines_of(caplog.records, "parley.access") == []
    for _ in range(2):
        await client.get("/healthz?x=1")
    await client.get("/healthz")
    await client.get("/v1/healthz")
    assert [(line["route"], line["status"]) for line in lines_of(caplog.records, "parley.access")] == [
        ("/healthz", 400),
        ("/healthz", 200),
        ("-", 404),
    ]
