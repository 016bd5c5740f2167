"""What tests ask of the log: every line is JSON, and one of Parley's own names its event."""

import json
import logging
from collections.abc import Collection, Iterable
from typing import Any

from parley_core.log_format import MOST_BYTES, JsonFormatter


class LineCheck(logging.Handler):
    """Makes each record a line of JSON, and keeps what is wrong with it in `wrong`."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.wrong: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Check a record."""
        try:
            self.wrong += [f"{record.name}: {record.msg!r}: {problem}" for problem in problems_of(self.format(record))]
        except Exception as error:  # noqa: BLE001 - kept, like whatever else is wrong
            self.wrong.append(f"{record.name}: {record.msg!r}: {error!r}")


def problems_of(line: str) -> list[str]:
    """Return what is wrong with a line of the log."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        return [f"it is not JSON: {error}"]
    if not isinstance(entry, dict):
        return ["it is no object"]
    problems = [f"it lacks {name}" for name in ("at", "level", "logger", "message") if name not in entry]
    if str(entry.get("logger")).startswith("parley.") and "event" not in entry:
        problems.append("it names no event")
    if not line.isascii() or len(line.splitlines()) != 1 or len(line) >= MOST_BYTES:
        problems.append("it is not one line of ASCII of a length that pipes take in one piece")
    return problems


def refuse(problems: Collection[str]) -> None:
    """Raise AssertionError where something is wrong with lines of the log."""
    if problems:
        raise AssertionError("; ".join(problems))


def lines_of(records: Iterable[logging.LogRecord], logger: str) -> list[dict[str, Any]]:
    """Return what a logger has logged, as the JSON objects of its lines.

    Args:
        records: such as those of pytest's `caplog`.
        logger: its name.
    """
    formatter = JsonFormatter()
    return [json.loads(formatter.format(record)) for record in records if record.name == logger]
