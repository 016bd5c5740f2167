"""The application: its own routes and lifespan, with the accounts of parley-auth beside them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

import parley_auth.plugin
from library import books
from parley_auth import ADMIN, PolicyRule
from parley_core import Parley, Settings, hookimpl
from parley_core.http.spans import telemetry


class LibraryPlugin:
    """What the library declares to Parley. Any object with hooks is a plugin."""

    @hookimpl
    def parley_policies(self) -> list[PolicyRule]:
        return [PolicyRule(action="books:add", roles=frozenset({ADMIN}))]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the library's own lifespan inside Parley's: the database is open, and closes later."""
    parley: Parley = app.state.parley
    async with parley.lifespan(app):
        app.state.shelf = [books.Book(title="The Art of Asking")]
        yield
        app.state.shelf = []


def create_app(settings: Sequence[Settings] = ()) -> FastAPI:
    """Return the application; `settings` replace what the environment says."""
    app = FastAPI(title="Library", lifespan=lifespan, telemetry=telemetry())
    app.include_router(books.router)
    parley = Parley(settings, plugins=[parley_auth.plugin, LibraryPlugin()])
    parley.mount(app)
    return app
