"""The metrics of a test: an OpenTelemetry SDK that keeps in memory what the instruments of this process record."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader


class Metrics:
    """What was recorded since a block began.

    Args:
        reader: collects it.
    """

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def names(self) -> set[str]:
        """Return the names of all metrics that have a value, those of other libraries too."""
        return set(self._metrics())

    def value(self, name: str, **attributes: str) -> float:
        """Return the sum of a metric over all its attributes but the given ones; of a histogram, how many values."""
        points = [point for point in self._points(name) if attributes.items() <= point.attributes.items()]
        return sum(float(point.count if hasattr(point, "count") else point.value) for point in points)

    def total(self, name: str) -> float:
        """Return the sum of all values of a histogram."""
        return sum(float(point.sum) for point in self._points(name))

    def described(self, name: str) -> tuple[str, str, list[Mapping[str, Any]]]:
        """Return the kind of a metric's data (`Sum` or `Histogram`), its unit, and the attributes of its values."""
        metric = self._metrics()[name]
        return type(metric.data).__name__, str(metric.unit), [point.attributes for point in metric.data.data_points]

    def own_names(self) -> set[str]:
        """Return the names of Parley's own metrics that have a value."""
        return {name for name in self._metrics() if name.startswith("parley.")}

    def _metrics(self) -> dict[str, Any]:
        # Nothing at all is None.
        data = self._reader.get_metrics_data()
        found = [metric for r in data.resource_metrics for s in r.scope_metrics for metric in s.metrics] if data else []
        return {metric.name: metric for metric in found if metric.data.data_points}

    def _points(self, name: str) -> list[Any]:
        metrics = self._metrics()
        return list(metrics[name].data.data_points) if name in metrics else []


@contextmanager
def metered() -> Iterator[Metrics]:
    """Record metrics during the block.

    The process keeps the SDK, since OpenTelemetry takes one only once: from the first block on, FastAPI measures each
    request, though nobody reads it.
    """
    provider = metrics.get_meter_provider()
    if not isinstance(provider, MeterProvider):
        provider = MeterProvider(shutdown_on_exit=False)
        metrics.set_meter_provider(provider)
    reader = InMemoryMetricReader()
    provider.add_metric_reader(reader)
    try:
        yield Metrics(reader)
    finally:
        provider.remove_metric_reader(reader)
