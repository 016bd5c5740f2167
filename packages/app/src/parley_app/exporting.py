"""The set-up of OpenTelemetry's SDK, which only `parley-app[telemetry]` installs. It reads the variables OTEL_*."""

import os
import socket
from collections.abc import Callable

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from parley_app.version import VERSION

_INSTANCE = "service.instance.id"


def export_spans() -> Callable[[], None]:
    """Export what this process traces; return what sends the rest."""
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def export_metrics() -> Callable[[], None]:
    """Export what this process measures; return what sends the rest."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    provider = MeterProvider([reader], resource=_resource(), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider.shutdown


def _resource() -> Resource:
    """Return what the environment says about this service, with an instance that no other worker has.

    Workers of one instance would overwrite each other's counters at the receiver.
    """
    given = OTELResourceDetector().detect().attributes
    instance = f"{given.get(_INSTANCE) or socket.gethostname()}-{os.getpid()}"
    return Resource.create({"service.name": "parley", "service.version": VERSION, **given, _INSTANCE: instance})
