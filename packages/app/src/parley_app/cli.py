"""The `parley` command: the commands of all plugins, and errors in one line."""

import functools
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from parley_app.messages import complain
from parley_app.version import VERSION
from parley_core import StartupError
from parley_core.kernel.commands import command_line_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic_settings import BaseSettings


def main() -> None:
    """Run the command line. A `StartupError` becomes one line on standard error and exit code 1."""
    try:
        command_line()(prog_name="parley")
    except StartupError as error:
        _begin_log()
        complain(error)
        raise SystemExit(1) from None


def _begin_log() -> None:
    """Let what prevents `parley serve` stand in its log, also where no command was found yet, as plugins bring them."""
    if sys.argv[1:2] == ["serve"]:
        from parley_app import logs  # noqa: PLC0415 - what only shows its help needs none

        logs.configure()


def command_line() -> typer.Typer:
    """Return the commands of all plugins, directly under `parley`.

    Raises:
        StartupError: a plugin can't be loaded, or two plugins provide a command with the same name.
    """
    root = typer.Typer(
        add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    root.callback()(_parley)
    for declared in command_line_of(_chosen_plugins()):
        root.add_typer(declared.value)
    return root


def _chosen_plugins() -> tuple[str, ...] | None:
    # Most environments choose none, and reading settings takes as long as everything else here.
    if not any(name.upper().startswith("PARLEY_PLUGINS") for name in os.environ):
        return None
    from parley_app.application import chosen_plugins  # noqa: PLC0415 - see above

    return chosen_plugins()


def _application(settings: "Sequence[BaseSettings]") -> "FastAPI":
    from parley_app.application import create_app  # noqa: PLC0415 - a command that needs none imports nothing of it

    # What a command prints on standard output may be read by a machine.
    return create_app(settings, announce=functools.partial(typer.echo, err=True))


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
    context.obj = _application
