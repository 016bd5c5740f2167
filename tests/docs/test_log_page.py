"""docs/log.md lists every event that is logged, and each line of Parley names one."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from parley_auth.security_log import Kind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "log.md").read_text()
SOURCES = sorted((ROOT / "packages").glob("*/src/**/*.py"))
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_ROW = re.compile(r"^\| `(\w+)` \| (?:info|warning|error|critical) \| [A-Z].*\. \|$", re.MULTILINE)


def calls_in(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a source, with the last word of what is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield (node.func.id if isinstance(node.func, ast.Name) else node.func.attr), node


def events_of(source: str) -> Iterator[str]:
    """The events that a module logs, and what it logs without naming one literally."""
    for called, call in calls_in(source):
        if called in {"LogLine", "announcer"}:
            name = call.args[0 if called == "LogLine" else 2]
            yield str(name.value) if isinstance(name, ast.Constant) else ast.unparse(call)
        elif called in METHODS and _is_log(call.func) and any(map(_is_text, call.args)):
            yield ast.unparse(call)


def _is_log(method: ast.expr) -> bool:
    return isinstance(method, ast.Attribute) and "log" in ast.unparse(method.value).lower()


def _is_text(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant | ast.JoinedStr)


def logged() -> set[str]:
    """Every event that the packages log."""
    own = {"log_lines.py", "security_log.py"}
    found = {event for path in SOURCES if path.name not in own for event in events_of(path.read_text())}
    return found | set(get_args(Kind))


def test_table() -> None:
    """Each event is in one table, once, and nothing else is."""
    rows = Counter(_ROW.findall(PAGE))
    assert len(rows) > 50
    assert rows == Counter(logged())


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('_log.warning(LogLine("opened", "it is {open}", open=True))', ["opened"]),
        ('_log.exception("it failed")', ["_log.exception('it failed')"]),
        ('logging.getLogger("parley.x").info(f"{it} failed")', ["logging.getLogger('parley.x').info(f'{it} failed')"]),
        ('line = LogLine(name, "text")', ["LogLine(name, 'text')"]),
        ('announcer(_log, 30, "opened")', ["opened"]),
        ('typer.echo("text")\nnumbers.log("text")', []),
    ],
    ids=["event", "text", "f-string", "variable", "announcer", "others"],
)
def test_fires(source: str, found: list[str]) -> None:
    """Lines without an event are found, and what is no line isn't."""
    assert list(events_of(source)) == found
