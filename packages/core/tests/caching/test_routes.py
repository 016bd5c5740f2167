"""Cached routes on a small application: which come first, what is refused, which gate they ask."""

from typing import Annotated, Any

import pytest
from fastapi import Depends
from fastapi.requests import HTTPConnection

from parley_core import Composition, Router
from parley_core.caching.routes import CachedRead, cached
from parley_core.http.framework import routes_of
from parley_core.http.gates import Gate
from parley_core.http.requests import admitted_by
from parley_core.testing import a_plugin, an_application


class Open:
    """A gate that lets everybody in and counts."""

    asked = 0

    async def __call__(self, connection: HTTPConnection) -> str:
        return admitted_by(self, connection) or await self.admit(connection)

    async def admit(self, connection: HTTPConnection) -> str:
        self.asked += 1
        return str(connection.headers.get("X-Caller", "nobody"))

    def sees_inside(self, _access: str) -> bool:
        return False


async def _always(_parley: Composition, _access: Any) -> int:
    return 1


READ = CachedRead(viewer=lambda access: access, validator=_always)
GATE = Open()


def a_router(*paths: str, hot: str) -> Router:
    """A router with these GET routes, of which one is cached."""
    router = Router(prefix="/things", tag="things")
    for path in paths:

        async def read(access: Annotated[str, Depends(GATE)]) -> str:
            return access

        router.add_api_route(path, cached(READ)(read) if path == hot else read, methods=["GET"], name=path)
    return router


def test_tried_first() -> None:
    """Routers with cached routes are mounted before all others, each whole and in its own order."""
    plain, hot = a_router("", "/a", hot="none"), a_router("/b", "/c", hot="/c")
    app = an_application([], [a_plugin("plain", parley_routers=[plain]), a_plugin("hot", parley_routers=[hot])])
    paths = [path for route in routes_of(app) if "/things" in (path := route.path or "")]
    assert [path.removeprefix("/v1/things") for path in paths] == ["/b", "/c", "", "/a"]


def test_gate() -> None:
    """What has `admit` is a gate, what hasn't isn't."""
    assert isinstance(GATE, Gate)
    assert not isinstance(_always, Gate)


def test_without_a_guard() -> None:
    """An endpoint without a guard, or with two, can't be declared cached."""
    router = Router(prefix="/things", tag="things")

    @cached(READ)
    async def unguarded() -> str:
        return ""

    @cached(READ)
    async def twice(one: Annotated[str, Depends(Open())], two: Annotated[str, Depends(Open())]) -> str:
        return one + two

    for endpoint in (unguarded, twice):
        with pytest.raises(TypeError, match="one guard"):
            router.get("/")(endpoint)


def test_only_for_reading() -> None:
    """A route that writes can't be declared cached."""
    router = Router(prefix="/things", tag="things")

    async def write(access: Annotated[str, Depends(GATE)]) -> str:
        return access

    with pytest.raises(TypeError, match="must be a GET"):
        router.post("/")(cached(READ)(write))


def test_asked_once_in_a_request() -> None:
    """A gate finds what it found already for this very request; another gate, or another request, doesn't."""
    request = HTTPConnection({"type": "http", "headers": [], "parley.admitted": (GATE, "ada")})
    assert admitted_by(GATE, request) == "ada"
    assert admitted_by(Open(), request) is None
    assert admitted_by(GATE, HTTPConnection({"type": "http", "headers": []})) is None
