"""The table of contents of the console."""

from parley_console import endpoints
from parley_console.settings import ConsoleSettings
from parley_core import Parley, PublicRoute, Router, Settings, hookimpl


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [ConsoleSettings]


@hookimpl
def parley_routers(parley: Parley) -> list[Router]:
    return [endpoints.build_router()] if parley.settings(ConsoleSettings).console else []


@hookimpl(optionalhook=True)
def parley_public_routes(parley: Parley) -> list[PublicRoute]:
    return endpoints.PUBLIC if parley.settings(ConsoleSettings).console else []
