"""The commands that plugins hang under `parley`."""

from collections.abc import Iterator

import typer
from typer.main import get_group

from parley_core.errors import StartupError
from parley_core.kernel.plugins import Declared, Plugins


def commands_of(plugins: Plugins) -> list[Declared]:
    """Every plugin's Typer applications.

    Raises:
        StartupError: two of them give a command of one name.
    """
    declared = list(plugins.declarations("parley_commands", typer.Typer))
    owners: dict[str, Declared] = {}
    for declaration in declared:
        for name in _names(declaration.value):
            if (owner := owners.setdefault(name, declaration)) is not declaration:
                raise StartupError(f"command '{name}' is given by plugins '{owner.plugin}' and '{declaration.plugin}'")
    return declared


def _names(commands: typer.Typer) -> Iterator[str]:
    """The names under which the commands appear where they are hung without a name of their own."""
    holder = typer.Typer()
    holder.add_typer(commands)
    yield from get_group(holder).commands
