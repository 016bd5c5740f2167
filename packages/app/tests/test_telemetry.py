"""What the environment asks to export, and what stops the start because of it."""

import time
from threading import Event

import pytest

from parley_app.telemetry import METRICS, TRACES, export, run_within, wanted_signals
from parley_core import StartupError

BOTH = "OTEL_EXPORTER_OTLP_ENDPOINT"
COLLECTOR = "http://localhost:4318"
LONGER = 60.0


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the machine exports."""
    for name in (BOTH, "OTEL_SDK_DISABLED", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


def a_environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, []),
        ({BOTH: ""}, []),
        ({BOTH: COLLECTOR}, [TRACES, METRICS]),
        ({BOTH: COLLECTOR, "OTEL_SDK_DISABLED": "True"}, []),
        ({BOTH: COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, [METRICS]),
        ({BOTH: COLLECTOR, "OTEL_METRICS_EXPORTER": "none"}, [TRACES]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{COLLECTOR}/v1/traces"}, [TRACES]),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{COLLECTOR}/v1/metrics"}, [METRICS]),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, []),
        ({BOTH: COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, [TRACES, METRICS]),
    ],
    ids=lambda value: "-".join(value) or "nothing",
)
def test_what_is_exported(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: list[str]) -> None:
    a_environment(monkeypatch, **variables)
    assert wanted_signals() == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (BOTH, "secret.example:4318"),
        (BOTH, "http:///secret"),
        (BOTH, "http://user:secret@[::1"),
        (BOTH, "http://user:secret@collector:99999"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),
        ("OTEL_TRACES_EXPORTER", "console"),
    ],
)
def test_what_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The message names the variable, and never its value, which may contain a password."""
    a_environment(monkeypatch, **{BOTH: COLLECTOR} | {name: value})
    with pytest.raises(StartupError, match=name) as refused:
        wanted_signals()
    assert "secret" not in str(refused.value)


def test_nothing_is_set_up_without_an_endpoint() -> None:
    export()()


def test_an_end_waits_for_no_collector() -> None:
    """What can be sent is sent; what can't is given up."""
    is_sent, never = Event(), Event()
    began = time.monotonic()
    run_within(0.1, [lambda: never.wait(LONGER), is_sent.set])
    assert time.monotonic() - began < LONGER / 2
    assert is_sent.is_set()
