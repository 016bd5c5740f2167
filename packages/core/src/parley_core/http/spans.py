"""FastAPI's own telemetry, without what callers send: the spans of requests keep no path, no query and no header."""

from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import Attributes
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley_core.http.probes import PUBLIC
from parley_core.http.requests import NO_ROUTE, path_of, route_template
from parley_core.telemetry import is_measured, is_traced

# Of what FastAPI knows when a span begins. It adds the route and the status later, and PathIsTemplate the path.
_KEPT = frozenset({"http.request.method", "network.protocol.name", "network.protocol.version", "url.scheme"})
_PROBES = frozenset(route.path for route in PUBLIC)


def telemetry() -> TelemetryConfig:
    """Return what to give to `FastAPI(telemetry=...)`: a span and a duration for each request except probes.

    Call it where an SDK has been set up already. Without one there is nothing, at no cost.
    Variables such as FASTAPI_OTEL_AUTO_CONFIGURE add nothing to it, so that nothing is exported twice.
    """
    config: TelemetryConfig = {
        # FastAPI would ask for both on each request.
        "tracing": is_traced(),
        "metrics": is_measured(),
        # Exceptions are in Parley's own log, without what their messages may quote.
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": _is_probe,
    }
    if is_traced():
        config["tracer_provider"] = Filtered(trace.get_tracer_provider())
    return config


def _is_probe(scope: Scope) -> bool:
    return path_of(scope) in _PROBES


class Filtered(trace.TracerProvider):
    """A provider whose spans begin with the attributes in `_KEPT` alone, whatever the SDK then does with them."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *arguments: Any, **options: Any) -> trace.Tracer:
        return _Tracer(self._provider.get_tracer(*arguments, **options))


class _Tracer(trace.NoOpTracer):
    """FastAPI's spans of dependencies and endpoints aren't made, so nothing but `start_span` is asked for."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        *arguments: Any,
        **options: Any,
    ) -> trace.Span:
        kept = {key: value for key, value in (attributes or {}).items() if key in _KEPT}
        return self._tracer.start_span(name, context, kind, kept, *arguments, **options)


class PathIsTemplate:
    """Pure ASGI middleware: the span of a request has the route's template as `url.path`; the path may contain ids.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        span = trace.get_current_span()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                _name_path(span, scope)
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        except BaseException:
            _name_path(span, scope)
            raise


def _name_path(span: trace.Span, scope: Scope) -> None:
    if span.is_recording() and (template := route_template(scope)) != NO_ROUTE:
        span.set_attribute("url.path", template)
