"""The app's table of contents."""

import typer

from parley_app import commands, docs_page
from parley_core import PublicRoute, hookimpl

_READ_BEFORE_LOGIN = "the documentation is read before there is an account, and it shows no data"


@hookimpl
def parley_commands() -> list[typer.Typer]:
    return [commands.app]


# The hook is specified by whoever guards routes; without such a package nothing has to be declared open.
@hookimpl(optionalhook=True)
def parley_public_routes() -> list[PublicRoute]:
    return [
        PublicRoute("GET", docs_page.PAGE_PATH, _READ_BEFORE_LOGIN),
        PublicRoute("GET", docs_page.ASSET_PATH, "scripts and styles of the documentation page"),
        PublicRoute("GET", "/openapi.json", _READ_BEFORE_LOGIN),
        PublicRoute("HEAD", "/openapi.json", "answers the headers of the same"),
    ]
