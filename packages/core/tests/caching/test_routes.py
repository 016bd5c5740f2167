"""Cached routes on a small application: which come first, what is refused, which gate they ask."""

from typing import Annotated, Any

import pytest
from fastapi import Depends
from fastapi.requests import HTTPConnection

from parley_core import Composition, Router
from parley_core.caching.routes import CachedRead, CachedRoute, Gate, cached, cached_first
from parley_core.declarations import Declared
from parley_core.http.requests import admitted_by


class Open:
    """A gate that lets everybody in and counts."""

    asked = 0

    async def __call__(self, connection: HTTPConnection) -> str:
        return admitted_by(self, connection) or await self.admit(connection)

    async def admit(self, connection: HTTPConnection) -> str:
        self.asked += 1
        return str(connection.headers.get("X-Caller", "nobody"))


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


def paths_of(router: Router) -> list[str]:
    return [getattr(route, "path", "").removeprefix("/things") for route in router.routes]


def ordered(*routers: Router) -> list[list[str]]:
    """The paths of each router that is mounted for these, in their order."""
    declared = [Declared(f"plugin {number}", router) for number, router in enumerate(routers)]
    return [paths_of(found.value) for found in cached_first(declared)]


class TestCachedFirst:
    def test_first(self) -> None:
        """A cached route comes before all others, and the router itself stays as it was."""
        router = a_router("", "/{thing_id}/parts", "/{thing_id}", hot="/{thing_id}")
        hot, rest = cached_first([Declared("things", router)])
        assert (hot.plugin, rest.plugin) == ("things", "things")
        assert (paths_of(hot.value), paths_of(rest.value)) == (["/{thing_id}"], ["", "/{thing_id}/parts"])
        assert len(router.routes) == 3
        assert isinstance(hot.value.routes[0], CachedRoute)

    def test_before_other_routers(self) -> None:
        """The cached routes of all routers come before the other routes of all routers."""
        routers = a_router("", "/a", hot="/a"), a_router("", "/b", hot="/b")
        assert ordered(*routers) == [["/a"], ["/b"], [""], [""]]

    def test_never_before_its_exceptions(self) -> None:
        """A route stays behind an earlier one that some of its addresses mean."""
        assert ordered(a_router("/mine", "/{thing_id}", hot="/{thing_id}")) == [["/mine", "/{thing_id}"]]

    def test_no_empty_router(self) -> None:
        """A router without cached routes, or with nothing else, is mounted once: an empty one would be tried too."""
        assert ordered(a_router("", "/a", hot="none")) == [["", "/a"]]
        assert ordered(a_router("/a", hot="/a")) == [["/a"]]


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
