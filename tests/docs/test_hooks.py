"""docs/hooks.md has every hook that the installed packages specify, with its exact arguments and types."""

import importlib.metadata
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from parley_core.kernel.discovery import ENTRY_POINT_GROUP
from parley_core.kernel.plugins import Plugins
from parley_core.testing import a_plugin

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()
_SIGNATURE = re.compile(r"^def (\w+)(\(.*): \.\.\.$", re.MULTILINE)
_SECTION = re.compile(r"^### (\w+)\n\n```python\ndef (\w+)\(", re.MULTILINE)


@pytest.fixture
def specs() -> dict[str, Callable[..., object]]:
    """Return every hook that core and the installed plugins specify."""
    managers: list[Any] = []
    points = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)

    def parley_addhooks(pluginmanager: Any) -> None:
        managers.append(pluginmanager)

    Plugins([*(point.load() for point in points), a_plugin("spy", parley_addhooks=parley_addhooks)])
    callers = vars(managers[0].hook).values()
    return {caller.name: caller.spec.function for caller in callers if getattr(caller, "spec", None)}


def problems(page: str, specs: Mapping[str, Callable[..., object]]) -> list[str]:
    """Return what is wrong with a page."""
    documented = {name: _short(signature) for name, signature in _SIGNATURE.findall(page)}
    expected = {name: _short(str(inspect.signature(spec))) for name, spec in specs.items()}
    names = [f"{n} is {'missing' if n in expected else 'unknown'}" for n in sorted(expected.keys() ^ documented.keys())]
    common = sorted(expected.keys() & documented.keys())
    return names + [f"{name}{documented[name]}" for name in common if documented[name] != expected[name]]


def _short(signature: str) -> str:
    """Return a signature whose types have their names alone, without the modules that they are from."""
    return re.sub(r"\b(?:\w+\.)+", "", signature).replace("'", "").replace("NoneType", "None")


def test_page(specs: dict[str, Callable[..., object]]) -> None:
    """Each hook is on the page as it is specified, under its own heading."""
    assert {"parley_routers", "parley_policies"} <= specs.keys()
    assert problems(PAGE, specs) == []
    assert [heading for heading, _ in _SECTION.findall(PAGE)] == [name for _, name in _SECTION.findall(PAGE)]
    assert len(_SECTION.findall(PAGE)) == len(specs)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param(
            "def parley_events()",
            "def parley_event()",
            ["parley_event is unknown", "parley_events is missing"],
            id="name",
        ),
        pytest.param(
            "parley: Composition, routes: Sequence[RouteContext]",
            "parley: Composition",
            ["parley_verify(parley: Composition) -> None"],
            id="argument",
        ),
        pytest.param(
            "parley_policies() -> Sequence[PolicyRule]",
            "parley_policies() -> list[PolicyRule]",
            ["parley_policies() -> list[PolicyRule]"],
            id="type",
        ),
    ],
)
def test_fires(specs: dict[str, Callable[..., object]], old: str, new: str, found: list[str]) -> None:
    """A page that differs from the code is found, with the place."""
    assert old in PAGE
    assert problems(PAGE.replace(old, new), specs) == found
