"""OpenTelemetry, of which Parley uses the API alone: it does nothing until somebody sets up an SDK in the process.

The numbers of all workers add up: a metric is a counter, an up-down counter of what a process itself has, or a
histogram. Its attributes are words of a short list, never an id, a path or anything that a caller sends.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Generic, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context as Values
from opentelemetry.context import attach
from opentelemetry.metrics import CallbackOptions, Observation, get_meter, get_meter_provider

T = TypeVar("T")
METER = get_meter("parley")
"""Makes the instruments of all packages; each is made once, where its module is imported."""


def trace_id() -> str | None:
    """Return the id of the trace that the running code belongs to, as 32 hexadecimal digits; None outside of traces."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def is_traced() -> bool:
    """Return whether an SDK for traces is set up in this process; that must be before an application is created."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def is_measured() -> bool:
    """Return whether an SDK for metrics is set up in this process; that must be before an application is created."""
    return type(get_meter_provider()).__module__ != get_meter.__module__


def only_trace() -> Context:
    """Return a context that has nothing but the current span, for a task that does work for others too.

    What such work sends to MongoDB is traced in the request that began it, as long as that request lasts.
    """
    context = Context()
    if (span := trace.get_current_span()) is not trace.INVALID_SPAN:
        context.run(attach, trace.set_span_in_context(span, Values()))
    return context


class Living(Generic[T]):
    """An up-down counter of what the running things of one kind have at the moment, all of the process together.

    Args:
        name: the metric's name.
        read: returns the number of one thing; the SDK calls it in a thread of its own.
        unit: what is counted, as UCUM spells it: `By`, or a word like `{event}`.
        description: what the number means.
    """

    def __init__(self, name: str, read: Callable[[T], int], *, unit: str, description: str) -> None:
        self._read = read
        self._things: tuple[T, ...] = ()
        METER.create_observable_up_down_counter(name, [self._observe], unit, description)

    @contextmanager
    def counting(self, thing: T) -> Iterator[None]:
        """Count a thing during the block."""
        self._things = (*self._things, thing)
        try:
            yield
        finally:
            self._things = tuple(other for other in self._things if other is not thing)

    def _observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(sum(map(self._read, self._things)))
