"""A span for each command that a traced request sends to MongoDB: name and collection, never a value."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from time import time_ns
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from parley_core.telemetry import is_traced

# Of these commands the first value is the collection; of others it may be anything. `getMore` names it apart.
_ON_A_COLLECTION = frozenset({"aggregate", "count", "delete", "distinct", "find", "findAndModify", "insert", "update"})
_collection: ContextVar[str | None] = ContextVar("parley_command_collection", default=None)


def command_listeners() -> Sequence[CommandListener]:
    """Return what a client needs to be traced; nothing, and no cost, where no SDK was set up in this process."""
    return [CommandSpans(trace.get_tracer("parley"))] if is_traced() else []


class CommandSpans(CommandListener):
    """Makes the spans, in OpenTelemetry's terms for databases. Work that belongs to no request has none.

    Args:
        tracer: makes spans.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def started(self, event: CommandStartedEvent) -> None:
        # The events of one command come in one task. A cancelled command has no other event, and so no span.
        _collection.set(_collection_of(event.command_name, event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._record(event)

    def failed(self, event: CommandFailedEvent) -> None:
        # The message may quote what is stored.
        code = event.failure.get("code")
        self._record(event, error=str(code or event.failure.get("errtype") or "unknown"))

    def _record(self, event: CommandSucceededEvent | CommandFailedEvent, *, error: str | None = None) -> None:
        if not trace.get_current_span().is_recording():
            return
        collection, ended = _collection.get(), time_ns()
        attributes = {
            "db.system.name": "mongodb",
            "db.namespace": event.database_name,
            "db.operation.name": event.command_name,
        }
        if collection:
            attributes["db.collection.name"] = collection
        if error:
            attributes["error.type"] = error
        name = f"{event.command_name} {collection}" if collection else event.command_name
        began = ended - event.duration_micros * 1000
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
        if error:
            span.set_status(StatusCode.ERROR)
        span.end(ended)


def _collection_of(name: str, command: Mapping[str, Any]) -> str | None:
    found = command.get("collection") if name == "getMore" else command.get(name) if name in _ON_A_COLLECTION else None
    return found if isinstance(found, str) else None
