"""The app's table of contents."""

import typer

from parley_app import commands, docs_page
from parley_app.settings import AppSettings
from parley_core import PublicRoute, Settings, hookimpl

_READ_BEFORE_LOGIN = "the documentation is read before an account exists, and it contains no data"


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [AppSettings]


@hookimpl
def parley_commands() -> list[typer.Typer]:
    return [commands.app]


# The package that guards routes specifies this hook; without it there is nothing to declare.
@hookimpl(optionalhook=True)
def parley_public_routes() -> list[PublicRoute]:
    return [
        PublicRoute("GET", docs_page.PAGE_PATH, _READ_BEFORE_LOGIN),
        PublicRoute("GET", docs_page.ASSET_PATH, "scripts and styles of the documentation page"),
        PublicRoute("GET", "/openapi.json", _READ_BEFORE_LOGIN),
        PublicRoute("HEAD", "/openapi.json", "the headers of the OpenAPI document"),
    ]
