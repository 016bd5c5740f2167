"""The `parley` command: the commands of all plugins, and errors in one line."""

import functools
from typing import Annotated

import typer

from parley_app.application import VERSION, chosen_plugins, create_app
from parley_app.messages import complain
from parley_core import StartupError
from parley_core.kernel.commands import commands_of
from parley_core.kernel.plugins import Plugins


def main() -> None:
    """Run the command line. A `StartupError` becomes one line on standard error and exit code 1."""
    try:
        command_line()(prog_name="parley")
    except StartupError as error:
        complain(error)
        raise SystemExit(1) from None


def command_line() -> typer.Typer:
    """Return the commands of all plugins, directly under `parley`.

    Raises:
        StartupError: a plugin can't be loaded, or two plugins provide a command with the same name.
    """
    root = typer.Typer(
        add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    root.callback()(_parley)
    for declared in commands_of(Plugins(allowed=chosen_plugins())):
        root.add_typer(declared.value)
    return root


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it with the option's value
    if wanted:
        typer.echo(f"parley {VERSION}")
        raise typer.Exit


def _parley(
    context: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Run and manage the Parley interview API."""
    # What a command prints on standard output may be read by a machine.
    context.obj = functools.partial(create_app, announce=functools.partial(typer.echo, err=True))
