"""What is checked of the routes before the first request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from starlette.convertors import CONVERTOR_TYPES, StringConvertor
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from parley_core import Parley, Router, StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

Change = Callable[[Any, Path], object]
HERE = __name__


async def answer(*_: object) -> PlainTextResponse:
    return PlainTextResponse("open to all")


def a_router(prefix: str = "/notes", name: str = "list_notes", path: str = "") -> Router:
    router = Router(prefix=prefix, tag="notes")

    async def endpoint() -> None: ...

    endpoint.__name__ = name
    router.get(path)(endpoint)
    return router


def compose(*plugins: object, owns_app: bool = False, settings: CoreSettings | None = None) -> FastAPI:
    """A mounted and verified application."""
    parley = Parley([settings] if settings else [], plugins=plugins, unguarded=True)
    app = FastAPI(lifespan=parley.lifespan)
    parley.mount(app, owns_app=owns_app)
    parley.verify(app)
    return app


def refusal(*plugins: object) -> str:
    with pytest.raises(StartupError) as failure:
        compose(*plugins)
    return str(failure.value)


class Everything(BaseRoute):
    """A route that answers whatever is asked."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


def serve_folder(router: APIRouter, folder: Path) -> None:
    router.frontend("/", directory=folder)


def include_plain(router: APIRouter, _: Path) -> None:
    plain = APIRouter()
    plain.add_api_route("/plain", answer)
    router.include_router(plain)


def include_mount(router: APIRouter, _: Path) -> None:
    inner = Router(prefix="/inner", tag="inner")
    inner.routes.append(Mount("/files", app=FastAPI()))
    router.include_router(inner)


def include_folder(router: APIRouter, folder: Path) -> None:
    inner = Router(prefix="/inner", tag="inner")
    inner.frontend("/", directory=folder)
    router.include_router(inner)


UNCHECKABLE: dict[str, tuple[Change, str]] = {
    "mount": (lambda r, _: r.routes.append(Mount("/files", app=FastAPI())), "mount '/files' is refused"),
    "mounted_by_include": (include_mount, "mount '/notes/files' is refused"),
    "host": (lambda r, _: r.routes.append(Host("example.com", app=FastAPI())), "mount 'Host' is refused"),
    "own_class": (lambda r, _: r.routes.append(Everything()), "mount 'Everything' is refused"),
    "frontend": (serve_folder, "the frontend of router '/notes' serves files without a guard"),
    "frontend_by_include": (include_folder, "the frontend of router '/inner' serves files without a guard"),
    "plain_router": (include_plain, f"route GET /notes/plain ({HERE}.answer) must come from a parley_core.Router"),
    "starlette_route": (lambda r, _: r.add_route("/raw", answer), f"route GET/HEAD /raw ({HERE}.answer) must come"),
    "starlette_websocket": (
        lambda r, _: r.routes.append(WebSocketRoute("/raw", answer)),
        f"route WEBSOCKET /raw ({HERE}.answer) must come from a parley_core.Router",
    ),
}


class TestRouters:
    @pytest.mark.parametrize(("change", "message"), UNCHECKABLE.values(), ids=UNCHECKABLE)
    def test_uncheckable(self, change: Change, message: str, tmp_path: Path) -> None:
        """What answers without a guard, or before one, is refused wherever in the router it is."""
        (tmp_path / "index.html").write_text("hello")
        router = a_router()
        change(router, tmp_path)
        assert refusal(a_plugin("notes", parley_routers=[router])).startswith(f"plugin 'notes': {message}")

    @pytest.mark.parametrize("router", [APIRouter(prefix="/notes"), FastAPI(), "notes"], ids=["plain", "app", "text"])
    def test_what_is_no_router(self, router: object) -> None:
        """FastAPI's own router checks in another order than the contract's."""
        message = refusal(a_plugin("notes", parley_routers=[router]))
        kind = type(router).__name__
        assert message == f"plugin 'notes': hook 'parley_routers' returned {kind}, not parley_core.Router"

    def test_nested_routers(self) -> None:
        """Routers of Parley may include one another, and they may contain WebSockets."""
        outer, inner = a_router(), a_router("/inner", "list_inner")

        @inner.websocket("/live")
        async def live(websocket: WebSocket) -> None:
            await websocket.accept()

        outer.include_router(inner)
        compose(a_plugin("notes", parley_routers=[outer]), owns_app=False)

    def test_sync_endpoint(self) -> None:
        """A plain function would run in a thread; a generator would never be refused in time."""
        router = a_router()
        with pytest.raises(TypeError, match="the endpoint of /notes/sync must be an `async def` function"):
            router.get("/sync")(lambda: None)


def routes(*routers: Router) -> dict[str, object]:
    return {"parley_routers": list(routers)}


def unreached(later: str, earlier: str) -> str:
    """Why a route is refused, each given as `address function plugin`."""
    both = [f"{r[0]} {r[1]} ({HERE}.{r[2]} of {' '.join(r[3:])})" for r in (later.split(), earlier.split())]
    return f"route {both[0]} isn't reached: {both[1]} comes first and answers there"


def two(first: str, second: str) -> Router:
    """A router with two routes of these paths, in this order: `first` and `second`."""
    router = Router(prefix="/notes", tag="notes")
    for name, path in (("first", first), ("second", second)):

        async def endpoint(request: Request) -> None: ...

        endpoint.__name__ = name
        router.get(path)(endpoint)
    return router


SHADOWS = {
    "same": ("/a", "/a"),
    "another_name": ("/{a}", "/{b}"),
    "convertor": ("/{a:str}", "/{b}"),
    "path": ("/{rest:path}", "/{a}/parts/{b}"),
    "path_over_literal": ("/{rest:path}", "/a/b"),
    "literal": ("/{a}", "/mine"),
    "middle": ("/{a}/parts", "/mine/parts"),
    "suffix": ("/{a}", "/{b}.json"),
    "text_over_number": ("/{a}", "/{b:int}"),
    "float_over_int": ("/{a:float}", "/{b:int}"),
    "text_over_uuid": ("/{a}", "/{b:uuid}"),
    "path_over_path": ("/{a:path}", "/x/{b:path}"),
}
NARROWER_FIRST = {
    "literal": ("/mine", "/{a}"),
    "middle": ("/mine/parts", "/{a}/parts"),
    "number": ("/{a:int}", "/{b}"),
    "uuid": ("/{a:uuid}", "/{b}"),
    "segment": ("/{a}", "/{b:path}"),
    "longer": ("/{a}/parts", "/{a}"),
}


class TestShadows:
    @pytest.mark.parametrize(("first", "second"), SHADOWS.values(), ids=SHADOWS)
    def test_never_reached(self, first: str, second: str) -> None:
        """A route whose addresses an earlier one has is never reached, however both are spelt."""
        message = refusal(a_plugin("notes", **routes(two(first, second))))
        later, earlier = (f"GET /v1/notes{p} {f} plugin 'notes'" for p, f in ((second, "second"), (first, "first")))
        assert message == unreached(later, earlier)

    @pytest.mark.parametrize(("first", "second"), NARROWER_FIRST.values(), ids=NARROWER_FIRST)
    def test_exceptions_of_ones_own(self, first: str, second: str) -> None:
        """A plugin may take some addresses of its own route out for another one that comes first."""
        compose(a_plugin("notes", **routes(two(first, second))))

    @pytest.mark.parametrize(("first", "second"), NARROWER_FIRST.values(), ids=NARROWER_FIRST)
    def test_exceptions_of_others(self, first: str, second: str) -> None:
        """Out of another plugin's route nobody may take more than what is spelt out."""
        one, another = (a_router(path=path, name=name) for path, name in ((first, "first"), (second, "second")))
        plugins = a_plugin("a", **routes(one)), a_plugin("b", **routes(another))
        if "mine" in first or "parts" in first:
            compose(*plugins)
        else:
            later, earlier = f"GET /v1/notes{second} second plugin 'b'", f"GET /v1/notes{first} first plugin 'a'"
            assert refusal(*plugins) == unreached(later, earlier)

    def test_mount_of_the_host(self) -> None:
        """A mount that the host made before answers below it, whatever Parley has there."""
        app = FastAPI()
        app.mount("/v1", FastAPI())
        parley = Parley(plugins=[a_plugin("notes", **routes(a_router()))], unguarded=True)
        parley.mount(app)
        with pytest.raises(StartupError, match=r"isn't reached: ANY /v1 \(the application itself\) comes first"):
            parley.verify(app)

    def test_routes_of_the_host(self) -> None:
        """Which of the host's own routes answers is the host's concern."""
        app = FastAPI()
        for path in ("/{a}", "/{b}", "/mine"):
            app.get(path, operation_id=path)(answer)
        parley = Parley(plugins=[a_plugin("notes", **routes(a_router()))], unguarded=True)
        parley.mount(app)
        parley.verify(app)

    def test_own_convertor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A convertor that somebody registered takes addresses that nobody knows."""

        class Slug(StringConvertor):
            regex = "[a-z]+"

        monkeypatch.setitem(CONVERTOR_TYPES, "slug", Slug())
        message = refusal(a_plugin("notes", **routes(a_router(path="/{a:slug}"))))
        start = f"route GET /v1/notes/{{a:slug}} ({HERE}.list_notes of plugin 'notes'): parameter 'a' has the convertor"
        assert message.startswith(start)


class TestClashes:
    def test_route(self) -> None:
        """Of two routes with one address the second would never be reached."""
        message = refusal(
            a_plugin("one", **routes(a_router(path="/{id}", name="get_one"))),
            a_plugin("two", **routes(a_router(path="/{note_id}", name="get_two"))),
        )
        later, earlier = "GET /v1/notes/{note_id} get_two plugin 'two'", "GET /v1/notes/{id} get_one plugin 'one'"
        assert message == unreached(later, earlier)

    def test_route_of_the_host(self) -> None:
        """The host's own routes count as well."""
        parley = Parley(plugins=[a_plugin("notes", **routes(a_router()))], unguarded=True)
        app = FastAPI()
        app.get("/v1/notes", operation_id="other")(answer)
        parley.mount(app)
        with pytest.raises(StartupError) as failure:
            parley.verify(app)
        later, earlier = "GET /v1/notes list_notes plugin 'notes'", "GET /v1/notes answer the application itself"
        assert str(failure.value) == unreached(later, earlier)

    def test_websocket(self) -> None:
        """Two WebSockets with one address clash too."""

        def a_plugin_with_websocket(name: str) -> object:
            router = Router(prefix="/live", tag=name)
            router.websocket("")(answer)
            return a_plugin(name, **routes(router))

        message = refusal(a_plugin_with_websocket("one"), a_plugin_with_websocket("two"))
        later, earlier = (f"WEBSOCKET /v1/live answer plugin '{name}'" for name in ("two", "one"))
        assert message == unreached(later, earlier)

    def test_operation_id(self) -> None:
        """Generated clients name their functions by operation id."""
        message = refusal(
            a_plugin("one", **routes(a_router("/one"))),
            a_plugin("two", **routes(a_router("/two"))),
        )
        one, other = (f"GET /v1/{name} ({HERE}.list_notes of plugin '{name}')" for name in ("one", "two"))
        assert message == f"operation id 'list_notes' is that of {one} and of {other}"

    def test_one_router_twice(self) -> None:
        """A router that a plugin returns twice would be served twice."""
        router = a_router()
        message = refusal(a_plugin("one", **routes(router, router)))
        assert message == unreached(*["GET /v1/notes list_notes plugin 'one'"] * 2)

    def test_what_does_not_clash(self) -> None:
        """Other methods and other paths are other addresses, and a WebSocket isn't a GET."""
        router = a_router()

        @router.get("/mine")
        async def read_mine() -> None: ...

        @router.post("")
        async def create() -> None: ...

        @router.get("/{note_id}")
        async def read(note_id: str) -> None: ...

        @router.get("/{rest:path}")
        async def read_rest(rest: str) -> None: ...

        router.websocket("/{note_id}")(answer)
        compose(a_plugin("notes", **routes(router)))

    @pytest.mark.parametrize("order", [("GET", "HEAD"), ("HEAD", "GET")], ids="-".join)
    def test_head_beside_get(self, order: tuple[str, str]) -> None:
        """GET answers HEAD too, so that no other route, perhaps with another guard, can answer it there."""
        router = a_router()
        for method in order:
            router.add_api_route("/{note_id}", answer, methods=[method], name=method)
        message = refusal(a_plugin("notes", **routes(router)))
        assert f"{order[1]} /v1/notes/{{note_id}} ({HERE}.answer of plugin 'notes') isn't reached" in message


class TestNothingToProve:
    def test_no_route(self) -> None:
        """A check that finds no route checks nothing, and FastAPI's own routes don't count."""
        assert refusal(a_plugin("notes", parley_events=[])).startswith("no plugin brings a route")

    def test_empty_router(self) -> None:
        """A router without routes brings none."""
        assert refusal(a_plugin("notes", **routes(Router(prefix="/x", tag="x")))).startswith("no plugin brings a route")

    def test_lost_route(self) -> None:
        """A plugin's route that the check doesn't see stops the start: it might be served all the same."""
        parley = Parley(plugins=[a_plugin("notes", **routes(a_router()))], unguarded=True)
        app = FastAPI()
        parley.mount(app)
        hidden = FastAPI()
        hidden.state.parley = parley
        hidden.mount("/", app)
        with pytest.raises(StartupError, match=r"^plugin 'notes': route GET /notes isn't found in the application"):
            parley.verify(hidden)


OWNED: dict[str, tuple[Change, str]] = {
    "mount": (lambda app, _: app.mount("/files", FastAPI()), "mount '/files' is refused"),
    "host": (lambda app, _: app.router.routes.append(Host("example.com", app=FastAPI())), "mount 'Host' is refused"),
    "own_class": (lambda app, _: app.router.routes.append(Everything()), "mount 'Everything' is refused"),
    "frontend": (lambda app, folder: app.frontend("/", directory=folder), "the frontend of router '/' serves files"),
    "frontend_by_include": (
        lambda app, folder: include_folder(app.router, folder),
        "the frontend of router '/inner' serves files",
    ),
    "mounted_by_include": (lambda app, folder: include_mount(app.router, folder), "mount '/files' is refused"),
}


class TestOwnedApplication:
    @pytest.mark.parametrize(("change", "message"), OWNED.values(), ids=OWNED)
    async def test_uncheckable(self, change: Change, message: str, tmp_path: Path, core_settings: CoreSettings) -> None:
        """In an application that is all Parley's, everything must be possible to check: else it doesn't start."""
        (tmp_path / "index.html").write_text("hello")
        app = compose(a_plugin("notes", **routes(a_router())), owns_app=True, settings=core_settings)
        change(app, tmp_path)
        with pytest.raises(StartupError) as failure:
            async with app.router.lifespan_context(app):
                pass
        assert str(failure.value).startswith(message)

    def test_all_routes_must_be_checked(self) -> None:
        """There even a plain route is Parley's concern; a host's application answers for its own."""
        for owns_app, expected in ((True, {"/own", "/v1/notes"}), (False, {"/v1/notes"})):
            seen: set[str | None] = set()

            def parley_verify(parley: Parley, routes: list[Any], seen: set[str | None] = seen) -> None:
                seen |= {route.path for route in routes if parley.must_be_checked(route)}

            parley = Parley(
                plugins=[a_plugin("notes", parley_verify=parley_verify, **routes(a_router()))], unguarded=True
            )
            app = FastAPI(openapi_url=None, routes=[Route("/own", answer)])
            parley.mount(app, owns_app=owns_app)
            parley.verify(app)
            assert seen == expected
