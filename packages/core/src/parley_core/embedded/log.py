"""mongod's log file: a new one for each start, the one before kept, and what it says about a failure."""

import json
import signal
from pathlib import Path
from typing import Any

_LONGEST_REASON = 400
# The backtrace of an abort takes a tenth of it; what is further back has another cause.
_TAIL_BYTES = 512 * 1024
_ENDINGS = {
    -getattr(signal, "SIGKILL", 9): "mongod was killed, as the system does when memory runs out",
    -signal.SIGILL: "mongod needs instructions that this processor lacks, such as AVX",
}


def begin_log(log: Path) -> None:
    """Make room for a new log, so that no more than two runs stay on the disk."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)


def reason_of_failure(log: Path) -> str:
    """Return the line that says best why mongod ended; an empty text if no line does.

    That is mongod's first error, since later ones follow from it, or else what the launcher, the dynamic
    loader or mongod's option parser wrote.
    """
    structured: list[dict[str, Any]] = []
    plain: list[str] = []
    for line in _tail(log).splitlines():
        entry = _entry(line)
        if entry:
            structured.append(entry)
        elif line.strip():
            plain.append(line)
    severe = [_text(entry) for entry in structured if entry.get("s") in {"E", "F"}]
    complaints = [line for line in plain if "error" in line.lower()]
    best = severe[:1] or complaints[-1:] or plain[-1:]
    return one_line("".join(best))


def reason_of_end(code: int, log: Path) -> str:
    """Return why mongod ended: what its log says about it, or else its exit code in words."""
    return reason_of_failure(log) or ending_of(code)


def ending_of(code: int) -> str:
    """Return an exit code, which is negative for a signal, in words."""
    if code in _ENDINGS:
        return _ENDINGS[code]
    return f"mongod ended by {signal.Signals(-code).name}" if code < 0 else f"mongod ended with code {code}"


def one_line(text: str) -> str:
    """Return the text without line breaks, cut to a length that is still read."""
    return " ".join(text.split())[:_LONGEST_REASON]


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace")


def _entry(line: str) -> dict[str, Any]:
    """Return the log entry of a line, empty if the line isn't one."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _text(entry: dict[str, Any]) -> str:
    attributes = entry.get("attr", {})
    details = [_detail(attributes.get(name)) for name in ("error", "message")]
    return ": ".join([str(entry.get("msg")), *filter(None, details)])


def _detail(value: Any) -> str:
    """Return the text of an error, which is a text or a document with one; numbers say nothing to a reader."""
    if isinstance(value, dict):
        value = value.get("errmsg") or value.get("msg")
    return value if isinstance(value, str) else ""
