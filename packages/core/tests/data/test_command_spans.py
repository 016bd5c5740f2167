"""The spans of commands, made by a client of a real MongoDB."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure

from parley_core.data.command_spans import CommandSpans, command_listeners
from parley_core.kernel.settings import CoreSettings

CANARY = "canary"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
async def client(
    core_settings: CoreSettings, provider: TracerProvider
) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    assert core_settings.mongodb_uri
    spans = CommandSpans(provider.get_tracer("test"))
    uri = core_settings.mongodb_uri.get_secret_value()
    async with AsyncMongoClient[dict[str, Any]](uri, event_listeners=[spans]) as client:
        yield client


async def test_name_and_collection(
    core_settings: CoreSettings,
    client: AsyncMongoClient[dict[str, Any]],
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
) -> None:
    """And never a value, of what is sent, found, or refused."""
    name = core_settings.mongodb_database
    database = client[name]
    with provider.get_tracer("test").start_as_current_span("a request"):
        await database["things"].insert_many([{"_id": f"{CANARY}-{number}"} for number in range(3)])
        assert len([thing async for thing in database["things"].find({"_id": {"$regex": CANARY}}, batch_size=1)]) == 3
        with pytest.raises(DuplicateKeyError):
            await database["things"].insert_one({"_id": f"{CANARY}-0"})
        with pytest.raises(OperationFailure):
            await database["things"].find_one({f"${CANARY}": CANARY})
        with pytest.raises(OperationFailure):
            await database.command("createUser", CANARY, roles=[CANARY])
    *spans, request = exporter.get_finished_spans()
    found = {(span.name, dict(span.attributes or {}).get("error.type")) for span in spans}
    assert {("insert things", None), ("find things", None), ("getMore things", None), ("find things", "2")} <= found
    assert "createUser" in {span.name for span in spans}
    assert {span.kind for span in spans} == {SpanKind.CLIENT}
    assert {span.parent and span.parent.span_id for span in spans} == {request.context.span_id}
    assert {span.attributes and span.attributes["db.namespace"] for span in spans} == {name}
    failed = {span.name for span in spans if span.status.status_code is StatusCode.ERROR}
    assert failed == {"find things", "createUser"}
    assert CANARY not in "".join(span.to_json() for span in spans)


async def test_work_of_no_request(
    core_settings: CoreSettings, client: AsyncMongoClient[dict[str, Any]], exporter: InMemorySpanExporter
) -> None:
    await client[core_settings.mongodb_database]["things"].find_one({})
    assert exporter.get_finished_spans() == ()


def test_nobody_listens_without_an_sdk() -> None:
    assert command_listeners() == []
