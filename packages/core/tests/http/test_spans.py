"""The spans of requests, made by FastAPI with a provider that an SDK is behind."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from parley_core.http.spans import Filtered, PathIsTemplate, telemetry

PATHS = ("/things/canary?canary=canary", "/broken/canary?canary", "/canary?canary", "/healthz")


async def _thing(thing_id: str) -> str:
    return thing_id


async def _broken(thing_id: str) -> str:
    raise LookupError(thing_id)


async def spans_of(provider: trace.TracerProvider, exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """Send requests with canaries to an application, and return what was exported."""
    app = FastAPI(telemetry={**telemetry(), "tracing": True, "tracer_provider": provider})
    app.add_api_route("/things/{thing_id}", _thing)
    app.add_api_route("/broken/{thing_id}", _broken)
    app.add_middleware(PathIsTemplate)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://canary.example") as client:
        for path in PATHS:
            await client.get(path, headers={"User-Agent": "canary"})
    return list(exporter.get_finished_spans())


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


async def test_what_a_span_has(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    """There is one of each request but the probe; its path is the template, or nothing without a route."""
    spans = await spans_of(Filtered(provider), exporter)
    assert [(span.name, (span.attributes or {}).get("url.path")) for span in spans] == [
        ("GET /things/{thing_id}", "/things/{thing_id}"),
        ("GET /broken/{thing_id}", "/broken/{thing_id}"),
        ("GET", None),
    ]
    assert "canary" not in "".join(span.to_json() for span in spans)
    assert set(spans[0].attributes or {}) == {
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "url.path",
        "url.scheme",
    }


async def test_what_it_would_have(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    """FastAPI's spans contain what callers send, if nothing keeps it out of them."""
    spans = await spans_of(provider, exporter)
    for span in spans:
        attributes = span.attributes or {}
        assert "canary" in str(attributes["url.query"])
        assert attributes["server.address"] == "canary.example"


def test_without_an_sdk() -> None:
    """Nothing is traced, and FastAPI sets nothing up."""
    config = telemetry()
    assert (config["tracing"], config["logs"], config["auto_configure"]) == (False, False, False)
    assert "tracer_provider" not in config
