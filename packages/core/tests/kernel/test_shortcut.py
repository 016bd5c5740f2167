"""The short way leads to the route that FastAPI finds, with all that FastAPI lets it know."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Form, Request

from parley_core import Parley, Router
from parley_core.http.requests import added_dependencies, route_template
from parley_core.kernel.settings import CoreSettings
from parley_core.kernel.shortcut import Shortcut
from parley_core.testing import a_plugin, an_application, running_client

Seen = dict[str, object]
PATHS = ("me", "5", "me/pages/7", "5/pages/x", "all/5/files/a/b.c", "all/5/files/", "5/", "", "%0A", "5%0A", "a%2Fb")
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW")


def seen_by(request: Request) -> Seen:
    """Return what a request knows of its route."""
    scope = request.scope
    return {
        "template": route_template(scope),
        "endpoint": scope["endpoint"].__name__,
        "route": scope["route"].name,
        "values": repr(scope["path_params"]),
        "added": len(added_dependencies(scope)),
        "router": scope["router"] is scope["app"].router,
    }


async def added() -> None:
    """Do nothing."""


def a_router() -> Router:
    router, inner = Router(prefix="/notes", tag="notes"), Router(prefix="/all", tag="notes")

    @router.get("/{note_id}/pages/{page:int}", operation_id="read_page")
    @router.get("/{note_id}", operation_id="read_note")
    @router.get("/me", operation_id="read_mine")
    @router.post("/{note_id}", operation_id="change_note")
    async def read(request: Request) -> Seen:
        return seen_by(request)

    @inner.get("/{note_id}/files/{path:path}")
    async def read_file(request: Request) -> Seen:
        return seen_by(request)

    router.include_router(inner, dependencies=[Depends(added)])
    return router


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return an_application([core_settings], [a_plugin("notes", parley_routers=[a_router()])])


async def test_the_same(app: FastAPI) -> None:
    """Status, headers and what the endpoint sees are the same, wherever FastAPI answers by itself too."""
    requests = [(method, f"/v1/notes/{path}") for method in METHODS for path in PATHS]
    async with running_client(app) as client:
        assert isinstance(app.router.middleware_stack, Shortcut)
        client.headers["X-Request-ID"] = "the-same"
        short = [await client.request(*request) for request in requests]
        app.router.middleware_stack = app.router.app
        long = [await client.request(*request) for request in requests]
    for one, other in zip(short, long, strict=True):
        assert (one.status_code, one.headers, one.content) == (other.status_code, other.headers, other.content)
    assert {answer.status_code for answer in short} == {200, 307, 404, 405}


async def test_the_end(app: FastAPI) -> None:
    """A stopped application's routes may change, so requests find them as before."""
    before = app.router.middleware_stack
    async with running_client(app):
        assert app.router.middleware_stack is not before
    assert app.router.middleware_stack == before


async def test_of_others(core_settings: CoreSettings) -> None:
    """A host may go on adding routes of its own, so that nothing is looked up in a table."""
    parley = Parley([core_settings], plugins=[a_plugin("notes", parley_routers=[a_router()])], unguarded=True)
    app = FastAPI(lifespan=parley.lifespan)
    parley.mount(app)
    async with running_client(app):
        assert not isinstance(app.router.middleware_stack, Shortcut)


async def test_limits_of_forms(core_settings: CoreSettings) -> None:
    """Where a router limits its forms, FastAPI finds the way, since the limits are looked for on it."""
    outer, inner = Router(prefix="/notes", tag="notes"), Router(prefix="", tag="notes")

    @inner.post("/new")
    async def create(text: Annotated[str, Form()]) -> str:
        return text

    outer.include_router(inner, form_limits={"max_fields": 1})
    app = an_application([core_settings], [a_plugin("notes", parley_routers=[outer])])
    async with running_client(app):
        assert not isinstance(app.router.middleware_stack, Shortcut)
