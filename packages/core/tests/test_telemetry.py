"""OpenTelemetry as Parley uses it."""

import subprocess
import sys
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from parley_core.telemetry import Living, is_traced, only_trace, trace_id
from parley_core.testing.metrics import metered

SIZES = Living[list[str]]("parley.test.sizes", len, unit="{word}", description="Words in all lists together.")


class TestTraceId:
    def test_in_a_span(self) -> None:
        """It is that of the current span, written as W3C Trace Context writes it."""
        tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
        with tracer.start_as_current_span("a request") as span:
            assert trace_id() == f"{span.get_span_context().trace_id:032x}"
        assert trace_id() is None

    def test_outside(self) -> None:
        """Without a span, or with one that isn't valid, there is none."""
        assert trace_id() is None
        with trace.use_span(trace.INVALID_SPAN):
            assert trace_id() is None


class TestOnlyTrace:
    def test_the_span_alone_is_in_it(self) -> None:
        """Other work runs in it, which must not have what else belongs to one request, such as its deadline."""
        own = ContextVar[str]("own")
        tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
        token = own.set("a deadline")
        with tracer.start_as_current_span("a request"):
            context = only_trace()
            assert context.run(trace_id) == trace_id()
        own.reset(token)
        assert own not in context

    def test_outside_of_traces_it_is_empty(self) -> None:
        assert list(only_trace()) == []


def test_nothing_is_traced_without_an_sdk() -> None:
    assert not is_traced()


class TestLiving:
    def test_things_add_up(self) -> None:
        """What is counted in a block is added to the others, read anew each time, and gone after it."""
        first, second = ["a"], ["b", "c"]
        with SIZES.counting(first), SIZES.counting(second), metered() as metrics:
            assert metrics.value("parley.test.sizes") == 3
            second.append("d")
            assert metrics.value("parley.test.sizes") == 4
        with metered() as metrics:
            assert metrics.value("parley.test.sizes") == 0

    def test_equal_things(self) -> None:
        """Of two that are equal, each is counted by itself."""
        with metered() as metrics, SIZES.counting([]):
            with SIZES.counting(other := []):
                other.append("a")
                assert metrics.value("parley.test.sizes") == 1
            assert metrics.value("parley.test.sizes") == 0


def test_no_sdk_is_imported() -> None:
    """Whoever sets up no SDK has none: the API alone is needed."""
    code = "import parley_core.telemetry, sys; print([name for name in sys.modules if 'opentelemetry.sdk' in name])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
