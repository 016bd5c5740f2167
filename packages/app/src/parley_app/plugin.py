"""The app's table of contents."""

from typing import TYPE_CHECKING

from parley_app.settings import AppSettings, LogSettings
from parley_core import Settings, hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [AppSettings, LogSettings]


@hookimpl
def parley_commands() -> "list[typer.Typer]":
    from parley_app import commands  # noqa: PLC0415 - what serves without a command line needs no typer

    return [commands.app]
