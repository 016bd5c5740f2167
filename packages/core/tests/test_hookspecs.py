"""Each hook of core is documented as it is, and tested."""

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from parley_core import hookspecs

SPECS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("parley_")}
PAGE = Path(__file__).parents[3] / "docs" / "hooks.md"
TESTS = Path(__file__).parent


def documented() -> dict[str, str]:
    """The page's hooks of core with their signatures."""
    part = PAGE.read_text().partition("## Hooks of parley-core\n")[2].partition("\n## ")[0]
    return {match[1]: match[0] for match in re.finditer(r"^def (\w+)\(.*(?=: \.\.\.$)", part, re.MULTILINE)}


def test_page() -> None:
    """The page has every hook with its exact arguments and types, and no other."""
    assert documented() == {name: _as_written(spec) for name, spec in SPECS.items()}


def _as_written(spec: Callable[..., object]) -> str:
    """The hook's first line as its module has it; a type whose module isn't imported there stands in quotes."""
    (function,) = ast.parse(inspect.getsource(spec)).body
    assert isinstance(function, ast.FunctionDef)
    assert function.returns is not None
    returned = ast.unparse(function.returns).strip("'")
    return f"def {function.name}({ast.unparse(function.args)}) -> {returned}"


@pytest.mark.parametrize("name", SPECS)
def test_docstring(name: str) -> None:
    """A hook says when it is called, what each argument is, and what makes the start fail."""
    text = inspect.getdoc(SPECS[name]) or ""
    arguments = inspect.signature(SPECS[name]).parameters
    assert text.startswith("Called ")
    assert re.search(r"(Start-up|The command line) fails when", text)
    assert all(re.search(rf"^ +{argument}: ", text, re.MULTILINE) for argument in arguments)


@pytest.mark.parametrize("name", SPECS)
def test_is_tested(name: str) -> None:
    """Some test composes a plugin with the hook."""
    tests = [path.read_text() for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    assert any(f"{name}=" in text for text in tests)
