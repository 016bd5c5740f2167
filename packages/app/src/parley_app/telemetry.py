"""OpenTelemetry's SDK in `parley serve`: each serving process exports its spans and metrics if an endpoint is set."""

import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from importlib import metadata
from urllib.parse import urlsplit

from parley_core import StartupError

Action = Callable[[], object]
TRACES, METRICS = "TRACES", "METRICS"
_EXPORTER = "opentelemetry-exporter-otlp-proto-http"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL = "http/protobuf"
# The supervisor waits 15 s for a worker, whose requests may have taken 10.
_FLUSH_SECONDS = 3.0


def wanted_signals() -> Collection[str]:
    """Return what the environment wants to be exported: `TRACES`, `METRICS`, both or nothing.

    Raises:
        StartupError: it can't be; the message names the variable.
    """
    if _variable("OTEL_SDK_DISABLED").lower() == "true":
        return []
    wanted = [signal for signal in (TRACES, METRICS) if _is_wanted(signal)]
    if wanted and not _has_exporter():
        raise StartupError("an OTLP endpoint is set: install parley-app[telemetry], or set OTEL_SDK_DISABLED=true")
    return wanted


def _has_exporter() -> bool:
    return any(metadata.distributions(name=_EXPORTER))


def _is_wanted(signal: str) -> bool:
    name = _first_set(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", _ENDPOINT)
    exporter = _variable(f"OTEL_{signal}_EXPORTER") or "otlp"
    if not name or exporter == "none":
        return False
    if exporter != "otlp":
        raise StartupError(f"OTEL_{signal}_EXPORTER must be otlp or none")
    protocol = _first_set(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol and _variable(protocol) != _PROTOCOL:
        raise StartupError(f"{protocol} must be {_PROTOCOL}, which collectors take on port 4318")
    if not _is_address(_variable(name)):
        raise StartupError(f"{name} must be an address such as http://localhost:4318")
    return True


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _first_set(*names: str) -> str | None:
    return next((name for name in names if _variable(name)), None)


def _is_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        return address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def export() -> Action:
    """Set up the SDK in this process, unless no endpoint is set; do it before the application is created.

    Returns:
        What sends the rest at the end of the process, in a bounded time.

    Raises:
        StartupError: the environment asks for what can't be done.
    """
    if not (signals := wanted_signals()):
        return lambda: None
    from parley_app import exporting  # noqa: PLC0415 - who exports nothing may not have what it imports

    stops = [exporting.export_spans()] if TRACES in signals else []
    stops += [exporting.export_metrics()] if METRICS in signals else []
    return lambda: run_within(_FLUSH_SECONDS, stops)


def run_within(seconds: float, actions: Sequence[Action]) -> None:
    """Run actions at once and return when all are done, or when the time is over: a collector may be away."""
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
