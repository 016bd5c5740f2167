"""The app's table of contents."""

import typer

from parley_app import commands
from parley_app.settings import AppSettings, LogSettings
from parley_core import Settings, hookimpl


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [AppSettings, LogSettings]


@hookimpl
def parley_commands() -> list[typer.Typer]:
    return [commands.app]
