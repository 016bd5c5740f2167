"""How log lines look, whatever is logged."""

import json
import logging
import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

from parley_core.log_format import MOST_BYTES, JsonFormatter, TextFormatter
from parley_core.log_lines import LogLine, current_request
from parley_core.testing.log_lines import LineCheck, lines_of, problems_of

TRACE = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1)))


class Colour(StrEnum):
    RED = "red"


def a_record(message: object, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    raised = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("parley.tests", logging.WARNING, __file__, 1, message, arguments, raised)


def an_error(text: str) -> Exception:
    absent: dict[str, str] = {}
    with pytest.raises(KeyError) as raised:
        absent[text]
    return raised.value


def line_of(message: object, *arguments: object, error: BaseException | None = None) -> dict[str, Any]:
    """Return what JSON says of a message, after a look at its line."""
    line = JsonFormatter().format(a_record(message, *arguments, error=error))
    assert not set(problems_of(line)) - {"it names no event"}
    found: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    return found


HOSTILE = {
    "lone_surrogate": "\ud800",
    "line_separators": "a\r\nb\x0b\x0c\x1c\x85\u2028\u2029c",
    "controls": "".join(map(chr, range(32))) + "\x7f",
    "not_latin": "ж" * 3000,
    "quotes": '"}\n{"event": "forged"}' * 500,
    "long": "x" * 100_000,
    "empty": "",
}


class TestJson:
    def test_own_line(self) -> None:
        """It has time, level, process, logger, event, message and fields, but no field that is None."""
        line = line_of(LogLine("opened", "door {door} is open", door=7, by=None, ms=0.5, wide=True))
        assert abs(datetime.now(UTC) - datetime.fromisoformat(line.pop("at"))).total_seconds() < 60
        assert line.pop("pid") > 0
        assert line == {
            "level": "WARNING",
            "logger": "parley.tests",
            "event": "opened",
            "message": "door 7 is open",
            "door": 7,
            "ms": 0.5,
            "wide": True,
        }

    def test_line_of_others(self) -> None:
        """A line that is not Parley's has its message, and no event."""
        line = line_of("%s of %d", "one", 2)
        assert line["message"] == "one of 2"
        assert "event" not in line

    def test_time(self) -> None:
        """It is that of the record, in UTC, to the millisecond, one second after the other."""
        formatter = JsonFormatter()
        times = []
        for created in (1_800_000_000.0019, 1_800_000_000.9999, 1_800_000_001.5):
            record = a_record("now")
            record.created = created
            times.append(json.loads(formatter.format(record))["at"])
        assert times == ["2027-01-15T08:00:00.001Z", "2027-01-15T08:00:00.999Z", "2027-01-15T08:00:01.500Z"]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_whatever_is_said(self, name: str) -> None:
        """It is one line of JSON in ASCII, of a length that pipes take in one piece."""
        text = HOSTILE[name]
        short = text if len(text) < 300 else None
        for found in (line_of("%s", text)["message"], line_of(LogLine("said", "{text}", text=text))["text"]):
            assert found == short or text.startswith(found.removesuffix("..."))
        assert "KeyError" in line_of("failed", error=an_error(text or "x"))["traceback"] or len(text) > 300

    def test_traceback(self) -> None:
        """A long one keeps its innermost part, which names the error."""
        error: Exception = an_error("the innermost")
        for number in range(100):
            error.add_note(f"note {number} {'x' * 50}")
        traceback = line_of("failed", error=error)["traceback"]
        assert traceback.startswith("...")
        assert traceback.endswith(f"note 99 {'x' * 50}")

    def test_many_long_fields(self) -> None:
        """All of them are there, each as far as there is room."""
        line = line_of(LogLine("said", **{f"field_{number}": "ж" * 999 for number in range(9)}))
        assert all(line[f"field_{number}"] for number in range(9))

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_no_number(self, value: float) -> None:
        """What is no number is null."""
        assert line_of(LogLine("measured", seconds=value))["seconds"] is None

    @pytest.mark.parametrize(
        ("value", "found"),
        [(Colour.RED, "red"), (Path("/x"), "/x"), (10**30, 10**30), (LookupError("ж"), "ж")],
        ids=["enum", "path", "large", "object"],
    )
    def test_other_values(self, value: Any, found: object) -> None:
        """What isn't of a kind that fields have becomes a text."""
        assert line_of(LogLine("found", value=value))["value"] == found


class TestSurroundings:
    def test_request(self) -> None:
        """The request that is being answered is named, but not in place of another one that a line names."""
        before = current_request.set("this")
        try:
            lines = [line_of("x"), line_of(LogLine("x")), line_of(LogLine("x", request_id="that"))]
            texts = [TextFormatter().format(a_record(m)) for m in ("x", LogLine("x"), LogLine("x", request_id="that"))]
        finally:
            current_request.reset(before)
        assert [line["request_id"] for line in lines] == ["this", "this", "that"]
        assert [text.partition(": ")[2] for text in texts] == [f"x request_id={i}" for i in ("this", "this", "that")]
        assert "request_id" not in line_of("x")

    def test_trace(self) -> None:
        """The trace that the running code belongs to is named in both formats."""
        with trace.use_span(TRACE):
            assert line_of("x")["trace_id"] == f"{0xABC:032x}"
            assert TextFormatter().format(a_record("x")).endswith(f": x trace_id={0xABC:032x}")
        assert "trace_id" not in line_of("x")


class TestText:
    def test_line(self) -> None:
        """It has time, level, logger, message and the fields that the message doesn't name."""
        text = TextFormatter().format(a_record(LogLine("opened", "door {door} is open", door=7, by="ada")))
        assert re.fullmatch(r"[\d-]{10} [\d:]{8},\d{3} WARNING parley\.tests: door 7 is open by=ada", text)

    def test_traceback(self) -> None:
        """It follows the line, whole."""
        lines = TextFormatter().format(a_record("failed", error=an_error("the reason"))).splitlines()
        assert lines[1] == "Traceback (most recent call last):"
        assert lines[-1] == "KeyError: 'the reason'"


class TestChecks:
    """What all tests ask of each line finds what is wrong."""

    @pytest.mark.parametrize(
        "line",
        [
            "2027-03-01 09:30:26,011 WARNING parley.tests: text",
            "[]",
            '{"at": "now", "level": "INFO", "logger": "parley.tests", "message": "x"}',
            '{"at": "now", "level": "INFO", "logger": "others"}',
            '{"at": "now", "level": "INFO", "logger": "others", "message": "ж"}',
            '{"at": "now", "level": "INFO", "logger": "others", \n"message": "x"}',
            json.dumps({"at": "now", "level": "INFO", "logger": "others", "message": "x" * MOST_BYTES}),
        ],
        ids=["text", "list", "no_event", "no_message", "not_ascii", "two_lines", "long"],
    )
    def test_fires(self, line: str) -> None:
        """Each of these is found."""
        assert problems_of(line)

    def test_fires_for_a_record(self) -> None:
        """So is a line without an event, and one that can't be made."""
        check = LineCheck()
        for record in (a_record("plain"), a_record(LogLine("x", "{absent}")), a_record("%d", "x")):
            check.handle(record)
        assert len(check.wrong) == 3
        assert not lines_of([a_record(LogLine("x"))], "parley.others")
        assert lines_of([a_record(LogLine("x"))], "parley.tests")
