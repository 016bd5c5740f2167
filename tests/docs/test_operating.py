"""The table of docs/operating.md names every metric that a running application has, and its alerts name no other."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from fastapi import FastAPI
from opentelemetry import metrics as api
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from otlp import receiving

from parley_app import create_app
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core import Parley
from parley_core.errors import InternalError
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import running_client
from parley_core.testing.metrics import Metrics
from parley_webhooks.testing import Inbox, webhooks_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text()
_ROW = re.compile(r"^\| `(parley\.[\w.]+)` \| ([\w -]+) \| `([\w{}]+)` \| (.*?) ?\| (\S.*?) \|$", re.MULTILINE)
_NAME = re.compile(r"`(parley\.\w[\w.]+|http\.server\.\w[\w.]+)`")
_BUDGET = re.compile(r"""(?:budget=|count_refusal\()"(\w+)\"""")
_KINDS = {"counter": "Sum", "up-down counter": "Sum", "histogram": "Histogram"}
_LOGGERS = {"parley.relay"}
_FRAMEWORK = {"http.server.request.duration", "http.server.active_requests"}
# What a caller sends, none of which any attribute repeats.
TITLE, CONTENT, ADDRESS = "zebra title", "zebra content", "zebra@example.com"


@dataclass(frozen=True)
class Row:
    """A metric as the table describes it: its attributes with the values that are listed, if any."""

    kind: str
    unit: str
    attributes: Mapping[str, set[str]]


def _attributes(cell: str) -> dict[str, set[str]]:
    if ":" in cell:
        name, _, values = cell.partition(":")
        return {name.strip("` "): set(re.findall(r"`(\w+)`", values))}
    return {name: set() for name in re.findall(r"`([\w.]+)`", cell)}


TABLE = {name: Row(kind, unit, _attributes(cell)) for name, kind, unit, cell, _ in _ROW.findall(PAGE)}


async def use(app: FastAPI, client: httpx.AsyncClient, admin: Account, inbox: Inbox) -> None:
    """Do everything that is measured, once."""
    await client.post("/v1/webhooks", json={"url": inbox.address}, headers=admin.headers)
    ben = await an_account(app, "interviewer")
    when = {"scheduled_at": "2027-03-05T09:30:00Z", "participants": [{"user_id": ben.id}]}
    body = {"title": TITLE, "interview_type": "technical", **when}
    interview = (await client.post("/v1/interviews", json=body, headers=admin.headers)).json()["id"]
    changed = await client.patch(f"/v1/interviews/{interview}", json={"description": CONTENT}, headers=admin.headers)
    assert changed.status_code == 200
    messages = f"/v1/interviews/{interview}/messages"
    assert (await client.post(messages, json={"content": CONTENT}, headers=ben.headers)).status_code == 201
    for _ in range(2):
        assert (await client.get(messages, headers=ben.headers)).status_code == 200
    assert (await client.head(f"{messages}/stream", headers=ben.headers)).status_code == 200
    login = {"email": ADDRESS, "password": PASSWORD}
    assert [(await client.post("/v1/auth/login", json=login)).status_code for _ in range(7)] == [401] * 6 + [429]
    assert (await client.get(f"/v1/interviews/{ADDRESS}?q={TITLE}", headers=admin.headers)).status_code == 400
    parley: Parley = app.state.parley
    await parley.database["interviews"].insert_one({"_id": "wrong", "rev": 1, "history": [{"rev": 1}]})
    await parley.require(Relay).drain()
    await inbox.wait_for(1)


Exported = Callable[[], set[str]]


@pytest.fixture
def exported(metrics: Metrics) -> Iterator[Exported]:
    """Sends over OTLP what was measured in the test, and returns the names that a receiver gets."""
    provider = api.get_meter_provider()
    assert isinstance(provider, MeterProvider)
    with receiving() as receiver:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{receiver.url}/v1/metrics"))
        provider.add_metric_reader(reader)

        def export() -> set[str]:
            assert reader.force_flush()
            return receiver.metric_names()

        yield export
        provider.remove_metric_reader(reader)


@pytest.fixture
async def used(
    core_settings: CoreSettings, tmp_path: Path, metrics: Metrics, exported: Exported
) -> AsyncIterator[Metrics]:
    """The metrics of an application in which everything has been used."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    app = create_app([core_settings, auth_settings(), webhooks_settings(tmp_path / "ca.pem")])
    async with Inbox(authority) as inbox, running_client(app) as client:
        await use(app, client, await an_account(app, "admin"), inbox)
        async with asyncio.timeout(10):
            while TABLE.keys() - metrics.names():  # noqa: ASYNC110 - a delivery is counted after it has arrived
                await asyncio.sleep(0.05)
        yield metrics


async def test_table(used: Metrics, exported: Exported) -> None:
    """Each metric of the table is there as it is described, and no other; no attribute has what a caller sends."""
    assert len(TABLE) > 10
    assert used.own_names() == TABLE.keys()
    assert used.names() >= _FRAMEWORK
    received = await asyncio.to_thread(exported)
    assert {name for name in received if name.startswith("parley.")} == TABLE.keys()
    found = {name: used.described(name) for name in TABLE}
    assert {name: (kind, unit) for name, (kind, unit, _) in found.items()} == {
        name: (_KINDS[row.kind], row.unit) for name, row in TABLE.items()
    }
    for name, (_, _, points) in found.items():
        for attributes in points:
            assert attributes.keys() == TABLE[name].attributes.keys(), name
            for key, value in attributes.items():
                assert value in (TABLE[name].attributes[key] or {value})
                assert re.fullmatch(r"[a-z_]{2,40}", value), (name, value)


def test_budgets() -> None:
    """The table lists every budget that the code counts refusals of."""
    sources = [path.read_text() for path in ROOT.glob("packages/*/src/**/*.py")]
    assert TABLE["parley.refusals"].attributes["budget"] == {word for text in sources for word in _BUDGET.findall(text)}


def test_alerts() -> None:
    """The alerts name every metric of the table and no other, and no word or setting that doesn't exist."""
    text = PAGE.partition("## What to watch")[2]
    assert set(_NAME.findall(text)) - _LOGGERS == TABLE.keys() | _FRAMEWORK
    codes = set(re.findall(r'"code": "(\w+)"', (ROOT / "docs" / "openapi.json").read_text()))
    values = {value for row in TABLE.values() for known in row.attributes.values() for value in known}
    assert set(re.findall(r"`([a-z]+_[a-z_]+)`", text)) <= codes | values | {InternalError.code, "login_throttled"}
    settings = {field for declared in Plugins().settings_classes() for field in declared.value.model_fields}
    assert {name.lower() for name in re.findall(r"`PARLEY_(\w+)`", PAGE)} <= settings
