"""The commands that plugins hang under `parley`."""

from collections.abc import Iterator

import typer
from typer.main import get_group

from parley_core.declarations import Declared
from parley_core.kernel.plugins import Plugins
from parley_core.ownership import single_owner


def commands_of(plugins: Plugins) -> list[Declared[typer.Typer]]:
    """Return every plugin's Typer applications.

    Raises:
        StartupError: two of them bring a command of one name.
    """
    declared = list(plugins.commands())
    single_owner(declared, _names, what="command")
    return declared


def _names(commands: typer.Typer) -> Iterator[str]:
    """Yield the names under which the commands appear where they are added without a name of their own."""
    parent = typer.Typer()
    parent.add_typer(commands)
    yield from get_group(parent).commands
