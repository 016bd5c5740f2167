"""How log lines look: text for people, or one JSON object per line for programs."""

import json
import logging
import os
import time
from contextlib import suppress
from typing import Any

from pydantic_core import to_json

from parley_core.log_lines import LogLine, current_request
from parley_core.telemetry import trace_id

MOST_BYTES = 4096
"""What a pipe takes in one piece (PIPE_BUF), so that the lines of several processes never mix."""
_GAP = "..."
# A shorter text is left as it is.
_WORTH_CUTTING = 40


class JsonFormatter(logging.Formatter):
    """Makes a record one line of ASCII with a JSON object, which is shorter than `MOST_BYTES`.

    It has `at` (UTC), `level`, `pid`, `logger` and `message`; where they are known also `event` and the fields of a
    `LogLine`, `request_id`, `trace_id`, and `traceback`, whose innermost part is kept where it is long.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pid = os.getpid()
        self._second, self._until_second = 0.0, ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line.

        Raises:
            Exception: its message can't be made of its arguments, or a field is no value of JSON.
        """
        entry = {"at": self._at(record), "level": record.levelname, "pid": self._pid, "logger": record.name}
        if isinstance(line := record.msg, LogLine):
            entry["event"], entry["message"] = line.event, line.message
            entry.update(line.known)
        else:
            entry["message"] = record.getMessage()
        _add_surroundings(entry)
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        text = _encoded(entry)
        return text if len(text) < MOST_BYTES else _shortened(entry)

    def _at(self, record: logging.LogRecord) -> str:
        second, rest = divmod(record.created, 1)
        if second != self._second:
            self._second, self._until_second = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._until_second}.{int(rest * 1000):03d}Z"


class TextFormatter(logging.Formatter):
    """Makes a record a line for people: time, level, logger, message and fields; tracebacks follow it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without its traceback."""
        fields = dict(record.msg.fields) if isinstance(record.msg, LogLine) else {}
        known = len(fields)
        _add_surroundings(fields)
        more = [f" {name}={value}" for name, value in list(fields.items())[known:]]
        return super().formatMessage(record) + "".join(more)


def _add_surroundings(entry: dict[str, Any]) -> None:
    """Add the request that is being answered, unless it is there, and the trace that the running code belongs to."""
    if "request_id" not in entry and (request_id := current_request.get()):
        entry["request_id"] = request_id
    if trace := trace_id():
        entry["trace_id"] = trace


def _encoded(entry: dict[str, Any]) -> str:
    # Four times as fast as `json`, which is needed for what isn't ASCII: some readers take U+2028 for a line's end.
    with suppress(ValueError):
        if (quick := to_json(entry, inf_nan_mode="null")).isascii():
            return quick.decode()
    return json.dumps(entry, allow_nan=False, default=str)


def _shortened(entry: dict[str, Any]) -> str:
    """Return the line with its longest texts cut: a traceback at its beginning, others at their end."""
    while (excess := len(line := _encoded(entry)) - MOST_BYTES + 1) > 0:
        name, text = max(((n, v) for n, v in entry.items() if isinstance(v, str)), key=lambda item: len(item[1]))
        kept = max(len(text) - excess - len(_GAP), len(text) // 2)
        if len(text) < _WORTH_CUTTING:
            return line
        entry[name] = _GAP + text[len(text) - kept :] if name == "traceback" else text[:kept] + _GAP
    return line
