"""The application that deployers run."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fastapi import FastAPI
from pydantic_settings import BaseSettings
from starlette.types import ASGIApp

from parley_app import docs_page, index
from parley_app.cors import Cors
from parley_app.root_path import UnderRootPath
from parley_app.settings import AppSettings
from parley_app.version import VERSION
from parley_core import Parley, StartupError
from parley_core.http import probes as operations
from parley_core.http.framework import routes_of
from parley_core.http.spans import telemetry
from parley_core.kernel.settings import CoreSettings, PluginSettings, allowed_plugins

_OWN_PLUGIN = "app"
_DESCRIPTION = """
Log in with `POST /v1/auth/login`, and send the `access_token` of its answer as `Authorization: Bearer` with each
request. Exchange the `refresh_token` before it expires, with `POST /v1/auth/refresh`. OAuth2 libraries do both with
the forms of `POST /v1/auth/token`. A program of yours uses an API key instead of an access token.

Every error is a problem (RFC 9457): switch on its `code`. Unknown fields and query parameters are refused. HEAD is
answered wherever GET is; a method that an address lacks is 405.

Lists answer pages: follow `next` until it is null. Send the `ETag` of what you have read as `If-None-Match` to read it
again, and as `If-Match` where a write must not overwrite what others have written since.
""".strip()


def create_app(
    settings: Sequence[BaseSettings] | None = None, *, announce: Callable[[str], None] | None = None
) -> FastAPI:
    """Return the application with all installed plugins.

    Any ASGI server runs it: `uvicorn parley_app:create_app --factory`.

    Args:
        settings: instances that replace what the environment says, each for its own class.
        announce: called with a sentence that whoever starts the application should read, such as a one-time password;
            unset logs it.

    Raises:
        StartupError: the plugins or their declarations don't fit together, or a setting is wrong.
    """
    with _uncollected():
        return _composed(Parley(_completed(settings or ()), announce=announce))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking at what the block builds, all of which stays: a tenth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _composed(parley: Parley) -> FastAPI:
    shows_docs = parley.settings(CoreSettings).docs
    app = _Application(
        title="Parley",
        summary="Interview management: schedule interviews, manage their participants, and exchange messages.",
        description=_DESCRIPTION,
        version=VERSION,
        contact={"name": "The operators of this server"},
        license_info={"name": "MIT License", "identifier": "MIT"},
        lifespan=parley.lifespan,
        openapi_url="/openapi.json" if shows_docs else None,
        docs_url=None,
        redoc_url=None,
        # The address to redirect to would be made of the caller's own Host header.
        redirect_slashes=False,
        telemetry=telemetry(),
    )
    parley.mount(app, owns_app=True, public=docs_page.PUBLIC_DOCUMENT if shows_docs else ())
    parley.include(app, operations.router, plugin="core", public=operations.PUBLIC)
    welcome = index.build_router(version=VERSION, shows_docs=shows_docs, console=index.console_in(app))
    parley.include(app, welcome, plugin=_OWN_PLUGIN, public=index.PUBLIC)
    if shows_docs:
        parley.include(app, docs_page.build_router(), plugin=_OWN_PLUGIN, public=docs_page.PUBLIC)
    app.root_path = parley.settings(AppSettings).root_path or ""
    _check_root_path(app)
    return app


def _check_root_path(app: FastAPI) -> None:
    """Raise StartupError where a path with the prefix could be one without it, since either may arrive."""
    taken = {(route.path_format or "").split("/")[1] for route in routes_of(app)}
    if app.root_path and (first := app.root_path.split("/")[1]) in taken:
        raise StartupError(f"PARLEY_ROOT_PATH begins with /{first}, where the API has paths of its own: choose another")


class _Application(FastAPI):
    """FastAPI behind a proxy and for pages of other origins, as the settings say."""

    def build_middleware_stack(self) -> ASGIApp:
        # What is added with `add_middleware` is inside of what answers unexpected errors.
        settings: AppSettings = self.state.parley.settings(AppSettings)
        app = Cors(settings.cors_origins).around(super().build_middleware_stack())
        return UnderRootPath(app, self.root_path) if self.root_path else app


def chosen_plugins(settings: Sequence[BaseSettings] = ()) -> tuple[str, ...] | None:
    """Return the names of the plugins to load, None for all.

    PARLEY_PLUGINS chooses among features. This package is always loaded, because it brings its own settings.
    """
    allowed = allowed_plugins(settings)
    return None if allowed is None else tuple(dict.fromkeys((*allowed, _OWN_PLUGIN)))


def _completed(settings: Sequence[BaseSettings]) -> list[BaseSettings]:
    others = [s for s in settings if not isinstance(s, PluginSettings)]
    return [*others, PluginSettings(plugins=chosen_plugins(settings))]
