"""A receiver of OTLP over HTTP, as a collector is one: it keeps what it is sent."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """What was received; `url` is the endpoint to set."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep one request."""
        self.raw.append(body)
        self.headers.append(headers)
        if path.endswith("/traces"):
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        else:
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))

    def spans(self, kind: str | None = None) -> list[Span]:
        """Return the spans of a kind, such as SERVER, or all."""
        found = [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return [span for span in found if kind is None or span.kind == Span.SpanKind.Value(f"SPAN_KIND_{kind}")]

    def resources(self) -> list[dict[str, Any]]:
        """Return the attributes of each resource that sent spans or metrics, in the order of arrival."""
        sent = [resource for request in self.traces for resource in request.resource_spans]
        measured = [resource for request in self.metrics for resource in request.resource_metrics]
        return [attributes_of(resource.resource) for resource in (*sent, *measured)]

    def metric_names(self) -> set[str]:
        """Return the names of all metrics."""
        return {metric.name for _, metric in self._metrics()}

    def counts(self, name: str, *by: str) -> Counter[Any]:
        """Return the newest counts of a histogram, those of all instances together, by the values of attributes."""
        return self._totals(name, by, lambda metric: metric.histogram, lambda point: point.count)

    def sums(self, name: str, *by: str) -> Counter[Any]:
        """Return the newest values of a counter, those of all instances together, by the values of attributes."""
        return self._totals(name, by, lambda metric: metric.sum, lambda point: point.as_int)

    def _totals(
        self, name: str, by: Sequence[str], data_of: Callable[[Any], Any], value_of: Callable[[Any], int]
    ) -> Counter[Any]:
        newest = {
            (instance, point.attributes.__str__()): point
            for instance, metric in self._metrics()
            if metric.name == name
            for point in data_of(metric).data_points
        }
        totals: Counter[Any] = Counter()
        for point in newest.values():
            attributes = attributes_of(point)
            totals[tuple(attributes.get(key) for key in by)] += value_of(point)
        return totals

    def _metrics(self) -> Iterator[tuple[str, Any]]:
        for request in self.metrics:
            for resource in request.resource_metrics:
                instance = attributes_of(resource.resource)["service.instance.id"]
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        yield instance, metric


def attributes_of(carrier: Any) -> dict[str, Any]:
    """Return the attributes of a span, a point of a metric or a resource."""
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in carrier.attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
