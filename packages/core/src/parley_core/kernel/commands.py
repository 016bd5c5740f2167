"""The commands that plugins hang under `parley`.

A plugin brings them by its hook. To ask that means to import every plugin with all that serves requests, so that a
package may name the same commands as an entry point: then they are listed, and those run that need no more, without.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.main import get_group

from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.kernel.discovery import load, plugin_points
from parley_core.ownership import single_owner

if TYPE_CHECKING:
    from parley_core.kernel.plugins import Plugins

COMMANDS_GROUP = "parley.commands"
_HOOK = "parley_commands"


def command_line_of(allowed: Sequence[str] | None) -> list[Declared[typer.Typer]]:
    """Return the Typer applications of all installed plugins, importing plugins only where one has to be asked.

    Args:
        allowed: names of the plugins to ask, all others are left out; None asks every one.

    Raises:
        StartupError: a plugin can't be loaded, or two bring a command of one name.
    """
    if (indexed := _indexed(allowed)) is not None:
        return _without_clashes(indexed)
    from parley_core.kernel.plugins import Plugins

    return commands_of(Plugins(allowed=allowed))


def _indexed(allowed: Sequence[str] | None) -> list[Declared[typer.Typer]] | None:
    """Return the commands that entry points name; None where a plugin may have others."""
    index = {point.name: point for point in importlib.metadata.entry_points(group=COMMANDS_GROUP)}
    points = plugin_points(allowed)
    if any(name not in index and _may_bring_commands(point) for name, point in points.items()):
        return None
    return [Declared(name, _application(index[name])) for name in sorted(points.keys() & index.keys())]


def _application(point: importlib.metadata.EntryPoint) -> typer.Typer:
    found = load(point)
    if not isinstance(found, typer.Typer):
        raise StartupError(f"plugin '{point.name}': entry point {point.value} names no typer.Typer")
    return found


def _may_bring_commands(point: importlib.metadata.EntryPoint) -> bool:
    """Return whether a plugin has the hook: one whose module neither names it nor takes all of another has not."""
    spec = _spec_of(point.module)
    if point.attr or spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return True
    source = Path(spec.origin).read_text(encoding="utf-8")
    return _HOOK in source or "import *" in source


def _spec_of(module: str) -> ModuleSpec | None:
    """Return where a module is, without importing the packages that it is in."""
    package, *inner = module.split(".")
    spec = importlib.util.find_spec(package)
    for name in inner:
        package = f"{package}.{name}"
        spec = PathFinder.find_spec(package, spec.submodule_search_locations) if spec else None
    return spec


def commands_of(plugins: "Plugins") -> list[Declared[typer.Typer]]:
    """Return the Typer applications that the plugins' hooks return.

    Raises:
        StartupError: two of them bring a command of one name.
    """
    return _without_clashes(list(plugins.declarations("parley_commands", typer.Typer)))


def _without_clashes(declared: list[Declared[typer.Typer]]) -> list[Declared[typer.Typer]]:
    single_owner(declared, _names, what="command")
    return declared


def _names(commands: typer.Typer) -> Iterator[str]:
    """Yield the names under which the commands appear where they are added without a name of their own."""
    parent = typer.Typer()
    parent.add_typer(commands)
    yield from get_group(parent).commands
