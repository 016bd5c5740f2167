"""Plugins that try to be served unproved: each is refused by its name, or a request shows that it does no harm."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    FastAPI,
    Header,
    Query,
    Request,
    Response,
    WebSocket,
)
from fastapi import Security as SecurityOf
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from parley_core import PagerDep, Parley, Router, StartupError, provided
from parley_core.caching.routes import CachedRead, CachedRoute, cached
from parley_core.data.handle import Database
from parley_core.http.requests import Provided, admitted_by, of_address
from parley_core.http.routing import ParleyRoute
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

HERE = __name__


class Caller:
    """A gate that finds out who calls by a header, and refuses those who don't say."""

    async def __call__(self, connection: HTTPConnection) -> str:
        return admitted_by(self, connection) or await self.admit(connection)

    async def admit(self, connection: HTTPConnection) -> str:
        return connection.headers["X-Caller"]

    def sees_inside(self, caller: str) -> bool:
        return True


async def always(_parley: object, _caller: object) -> int:
    return 1


GATE = Caller()
Gated = Annotated[str, Depends(GATE)]
READ = CachedRead(viewer=lambda caller: caller, validator=always)


def evil(*routers: APIRouter, name: str = "evil", **hooks: object) -> object:
    return a_plugin(name, **{"parley_routers": list(routers), **hooks})


def a_router(prefix: str = "/evil") -> Router:
    return Router(prefix=prefix, tag="evil")


async def second(request: Request) -> str:
    """A check that a hit would skip."""
    return request.headers["X-Second"]


async def behind(caller: Gated) -> str:
    return caller


@of_address
async def from_address(request: Request, tenant: Annotated[str, Header()] = "") -> str:
    return f"{request.url} {tenant}"


class OtherService(Provided[Database]):
    async def __call__(self, connection: HTTPConnection) -> Any:
        return connection.headers["X-Tenant"]


async def two_checks(_c: Gated, _s: Annotated[str, Depends(second)]) -> None: ...
async def gate_in_a_check(_c: Annotated[str, Depends(behind)]) -> None: ...
async def by_security(_c: Gated, _s: Annotated[str, SecurityOf(second)]) -> None: ...
async def partly(_c: Gated, _s: Annotated[str, Depends(functools.partial(second))]) -> None: ...
async def header(_c: Gated, x_tenant: Annotated[str, Header()]) -> None: ...
async def cookie(_c: Gated, tenant: Annotated[str, Cookie()]) -> None: ...
async def body(_c: Gated, tenant: Annotated[str, Body(embed=True)]) -> None: ...
async def whole_request(_c: Gated, request: Request) -> None: ...
async def connection(_c: Gated, other: HTTPConnection) -> None: ...
async def tasks(_c: Gated, later: BackgroundTasks) -> None: ...
async def service_of_its_own(_c: Gated, _s: Annotated[Any, Depends(OtherService(Database))]) -> None: ...
async def address_and_header(_c: Gated, _s: Annotated[str, Depends(from_address)]) -> None: ...
async def gate_alone(_c: Gated) -> None: ...
async def cached_alone(_c: Gated) -> None: ...
async def with_second(_c: Gated) -> None: ...


CACHED: dict[str, tuple[Callable[..., Any], str]] = {
    "second check": (two_checks, f"the dependency {HERE}.second"),
    "gate in a check": (gate_in_a_check, f"the dependency {HERE}.behind"),
    "Security": (by_security, f"the dependency {HERE}.second"),
    "partial": (partly, "the dependency functools.partial"),
    "header": (header, "the header 'x-tenant'"),
    "cookie": (cookie, "the cookie 'tenant'"),
    "body": (body, "the body 'tenant'"),
    "request": (whole_request, "the whole request"),
    "connection": (connection, "the whole request"),
    "background tasks": (tasks, "background tasks"),
    "subclass of a service": (service_of_its_own, f"the dependency {HERE}.OtherService"),
    "header in what is of the address": (address_and_header, "the header 'tenant'"),
}


class OwnRoute(ParleyRoute):
    """A route that could answer before its guard."""


class OwnCachedRoute(CachedRoute):
    """A cached route that could skip its gate."""


class OwnSocket(APIWebSocketRoute):
    """A WebSocket that could accept before its guard."""


class OwnRouter(Router):
    """A router that answers by itself."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response("open")(scope, receive, send)


async def answer() -> None: ...


def with_class(route_class: type[APIRoute]) -> Router:
    async def endpoint(_c: Gated) -> None: ...

    endpoint.__name__ = "answer"
    endpoint = cached(READ)(endpoint)
    endpoint.route_class = route_class  # type: ignore[attr-defined]
    router = a_router()
    router.get("")(endpoint)
    return router


def with_method() -> Router:
    router = a_router()
    router.get("")(answer)
    router.routes[0].handle = answer  # type: ignore[method-assign, assignment]
    return router


def with_router(kind: Callable[[], APIRouter]) -> Router:
    outer, inner = a_router(), kind()
    inner.add_api_route("/inner", answer, methods=["GET"])
    outer.include_router(inner)
    return outer


def with_own_handle() -> Router:
    router = a_router()
    router.get("")(answer)
    router.handle = answer  # type: ignore[method-assign, assignment]
    return router


def with_socket() -> Router:
    router = a_router()
    router.routes.append(OwnSocket("/evil", answer))
    return router


ROUTE, CLASS = (
    f"route GET /evil ({HERE}.answer)",
    "must come from a parley_core.Router and have the class that it gives",
)
CLASSES: dict[str, tuple[Callable[[], Router], str]] = {
    "route": (lambda: with_class(OwnRoute), f"{ROUTE} {CLASS}"),
    "cached route": (lambda: with_class(OwnCachedRoute), f"{ROUTE} {CLASS}"),
    "method of a route": (with_method, f"{ROUTE} {CLASS}"),
    "WebSocket": (with_socket, f"route WEBSOCKET /evil ({HERE}.answer) {CLASS}"),
    "nested router": (
        lambda: with_router(lambda: OwnRouter(prefix="/own", tag="x")),
        "router '/own' must be a plain parley_core.Router",
    ),
    "method of a router": (with_own_handle, "router '/evil' must be a plain parley_core.Router"),
}


def refusal(*plugins: object) -> str:
    app = an_application([], plugins)
    with pytest.raises(StartupError) as caught:
        app.state.parley.verify(app)
    return str(caught.value)


class TestCachedRoutes:
    @pytest.mark.parametrize(("endpoint", "reason"), CACHED.values(), ids=CACHED)
    def test_depends_on_more_than_its_key(self, endpoint: Callable[..., Any], reason: str) -> None:
        """What isn't in the key gives one caller another's answer; a check that a hit skips checks nothing."""
        router = a_router()
        router.get("")(cached(READ)(endpoint))
        start = f"plugin 'evil': route GET /evil ({HERE}.{endpoint.__name__}) is cached, but depends on {reason},"
        assert refusal(evil(router)).startswith(start)

    @pytest.mark.parametrize("of", ["route", "router"])
    def test_check_beside_the_parameters(self, of: str) -> None:
        """A check that the route or its router lays over the endpoint is found, too."""
        router = a_router()
        router.dependencies = [Depends(second)] if of == "router" else []
        router.get("", dependencies=[Depends(second)] if of == "route" else [])(cached(READ)(with_second))
        assert f"({HERE}.with_second) is cached, but depends on the dependency {HERE}.second" in refusal(evil(router))

    def test_what_is_in_the_key(self) -> None:
        """Path, query, services and the response are what an endpoint may take."""
        router = a_router()

        async def read(
            _c: Gated,
            number: int,
            pager: PagerDep,
            database: Annotated[Database, Depends(provided(Database))],
            response: Response,
            tenant: Annotated[str, Query()] = "",
        ) -> None: ...

        router.get("/{number}")(cached(READ)(read))
        app = an_application([], [evil(router)])
        app.state.parley.verify(app)

    async def test_added_by_include(self, core_settings: CoreSettings) -> None:
        """A check that an including router adds is asked each time: the route isn't answered from the cache."""
        inner, outer = a_router("/inner"), a_router()
        inner.get("")(cached(READ)(cached_alone))
        outer.include_router(inner, dependencies=[Depends(second)])
        async with running_client(an_application([core_settings], [evil(outer)])) as client:
            for _ in range(2):
                let_in = await client.get("/v1/evil/inner", headers={"X-Caller": "ada", "X-Second": "yes"})
                assert (let_in.status_code, let_in.headers["cache-status"]) == (200, "parley; fwd=bypass")
            with pytest.raises(KeyError):
                await client.get("/v1/evil/inner", headers={"X-Caller": "ada"})


class TestClasses:
    @pytest.mark.parametrize(("make", "reason"), CLASSES.values(), ids=CLASSES)
    def test_another_class(self, make: Callable[[], Router], reason: str) -> None:
        """What isn't exactly a class that was checked may do anything."""
        assert refusal(evil(make())) == f"plugin 'evil': {reason}"

    def test_another_class_of_the_router(self) -> None:
        """A plugin's own kind of router is refused as well."""
        router = OwnRouter(prefix="/evil", tag="evil")
        router.get("")(answer)
        assert refusal(evil(router)) == "plugin 'evil': router '/evil' must be a plain parley_core.Router"


def posting() -> object:
    """The plugin whose route the others take over."""
    router = Router(prefix="/things/{thing_id}/parts", tag="things")

    async def endpoint() -> None: ...

    endpoint.__name__ = "post_part"
    router.add_api_route("", endpoint, methods=["POST", "HEAD"], name="post_part")
    router.add_api_websocket_route("", endpoint, name="live")
    return a_plugin("things", parley_routers=[router])


def taking(path: str, method: str = "POST", prefix: str = "/things") -> Router:
    router = a_router(prefix)
    if method == "WEBSOCKET":
        router.add_api_websocket_route(path, answer)
    else:
        router.add_api_route(path, answer, methods=[method])
    return router


def first_in_list() -> Router:
    router = taking("/never/reached", prefix="/others")
    router.routes.insert(0, ParleyRoute("/things/{x}/parts", answer, methods=["POST"]))
    return router


def by_prefix() -> Router:
    outer = a_router("/things")
    outer.include_router(taking("/parts", prefix=""), prefix="/{anything}")
    return outer


TAKEN: dict[str, tuple[Callable[[], Router], str]] = {
    "path": (lambda: taking("/{rest:path}"), "POST /v1/things/{rest:path}"),
    "path of all": (lambda: taking("/{rest:path}", prefix=""), "POST /v1/{rest:path}"),
    "convertor": (lambda: taking("/{x:str}/parts"), "POST /v1/things/{x:str}/parts"),
    "number": (lambda: taking("/{x:int}/parts"), "POST /v1/things/{x:int}/parts"),
    "uuid": (lambda: taking("/{x:uuid}/parts"), "POST /v1/things/{x:uuid}/parts"),
    "name": (lambda: taking("/{x}/{y}"), "POST /v1/things/{x}/{y}"),
    "any kind of thing": (lambda: taking("/{kind}/{x}/parts", prefix=""), "POST /v1/{kind}/{x}/parts"),
    "HEAD": (lambda: taking("/{x}/parts", "HEAD"), "HEAD /v1/things/{x}/parts"),
    "WebSocket": (lambda: taking("/{x}/parts", "WEBSOCKET"), "WEBSOCKET /v1/things/{x}/parts"),
    "insert": (first_in_list, "POST /v1/things/{x}/parts"),
    "prefix": (by_prefix, "POST /v1/things/{anything}/parts"),
}


class TestAddresses:
    @pytest.mark.parametrize(("make", "route"), TAKEN.values(), ids=TAKEN)
    def test_taken_over(self, make: Callable[[], Router], route: str) -> None:
        """A plugin whose name comes first can't answer at another's addresses; both functions are named."""
        message = refusal(evil(make()), posting())
        assert f"({HERE}.post_part of plugin 'things') isn't reached" in message
        assert message.endswith(
            f"isn't reached: {route} ({HERE}.answer of plugin 'evil') comes first and answers there"
        )

    def test_two_functions_of_one_plugin(self) -> None:
        """Of two equal routes both functions are named."""
        router = taking("")
        router.post("")(gate_alone)
        message = refusal(evil(router))
        both = [f"POST /v1/things ({HERE}.{name} of plugin 'evil')" for name in ("gate_alone", "answer")]
        assert message == f"route {both[0]} isn't reached: {both[1]} comes first and answers there"

    async def test_afterwards(self, core_settings: CoreSettings) -> None:
        """A catch-all that comes last takes nothing: the other plugin's route goes on answering."""
        app = an_application([core_settings], [posting(), evil(taking("/{rest:path}"), name="zoo")])
        async with running_client(app) as client:
            await client.post("/v1/things/1/parts")
            answers = [await client.post(f"/v1/things/{rest}?unknown=1") for rest in ("1/parts", "1/parts/2")]
            assert {a.json()["code"] for a in answers} == {"validation_error"}


async def opened_socket(socket: WebSocket) -> None: ...


async def opened(request: Request) -> Response:
    return Response("open")


def a_late_router() -> APIRouter:
    late = a_router("/late")
    late.get("")(opened)
    return late


def add_in_place(router: APIRouter) -> None:
    router.routes += [Route("/late", opened)]


def change_item(router: APIRouter) -> None:
    router.routes[0] = Route("/late", opened)


def another_list(router: APIRouter) -> None:
    router.routes = [Route("/late", opened), *router.routes]


def another_list_at_all(router: APIRouter) -> None:
    del router.routes[:]


TO_ROUTERS: dict[str, Callable[[APIRouter, Path], object]] = {
    "add_api_route": lambda r, _: r.add_api_route("/late", opened),
    "decorator": lambda r, _: r.get("/late")(opened),
    "add_route": lambda r, _: r.add_route("/late", opened),
    "websocket": lambda r, _: r.add_api_websocket_route("/late", opened),
    "websocket_route": lambda r, _: r.add_websocket_route("/late", opened_socket),
    "include_router": lambda r, _: r.include_router(a_late_router()),
    "mount": lambda r, _: r.mount("/late", FastAPI()),
    "host": lambda r, _: r.host("test", FastAPI()),
    "frontend": lambda r, folder: r.frontend("/late", directory=folder),
    "append": lambda r, _: r.routes.append(Route("/late", opened)),
    "insert": lambda r, _: r.routes.insert(0, Mount("/", app=FastAPI())),
    "extend": lambda r, _: r.routes.extend([Route("/late", opened)]),
    "+=": lambda r, _: add_in_place(r),
    "item": lambda r, _: change_item(r),
    "another list": lambda r, _: another_list(r),
    "none": lambda r, _: another_list_at_all(r),
    "order": lambda r, _: r.routes.reverse(),
}
TO_OVERRIDES: dict[str, Callable[[FastAPI], object]] = {
    "item": lambda app: app.dependency_overrides.__setitem__(GATE, second),
    "update": lambda app: app.dependency_overrides.update({GATE: second}),
    "setdefault": lambda app: app.dependency_overrides.setdefault(GATE, second),
    "|=": lambda app: app.dependency_overrides.__ior__({GATE: second}),
    "another": lambda app: setattr(app, "dependency_overrides", {GATE: second}),
}


@pytest.fixture
async def started(core_settings: CoreSettings) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI, Router, Router]]:
    """A running application whose plugin has kept its router, and one that is included in it."""
    outer, inner = a_router(), a_router("/inner")
    outer.get("/first")(gate_alone)
    outer.get("/second")(behind)
    inner.get("/first", name="inner_first")(gate_alone)
    inner.get("/second", name="inner_second")(behind)
    outer.include_router(inner)
    app = an_application([core_settings], [evil(outer)])
    async with running_client(app) as client:
        yield client, app, outer, inner


class TestSealed:
    @pytest.mark.parametrize("of", ["application", "router", "included router"])
    @pytest.mark.parametrize("attempt", TO_ROUTERS.values(), ids=TO_ROUTERS)
    async def test_routes(
        self, of: str, attempt: Callable[[APIRouter, Path], object], started: Any, tmp_path: Path
    ) -> None:
        """A route that comes after the proof raises, wherever it is added, and nothing answers there."""
        (tmp_path / "index.html").write_text("open")
        client, app, outer, inner = started
        router = {"application": app.router, "router": outer, "included router": inner}[of]
        with pytest.raises(StartupError, match=r"seal"):
            attempt(router, tmp_path)
        for path in ("/late", "/v1/evil/late", "/v1/evil/inner/late", "/v1/evil/evil/inner/late"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/v1/evil/first", headers={"X-Caller": "ada"})).status_code == 200
        assert (await client.get("/v1/evil/inner/first", headers={"X-Caller": "ada"})).status_code == 200

    async def test_names_what_comes_late(self, started: Any) -> None:
        """The message names the route and its function."""
        _, app, _, inner = started
        with pytest.raises(StartupError, match=rf"^GET /evil/inner/late|GET /inner/late \({HERE}\.opened of "):
            inner.add_api_route("/late", opened)
        with pytest.raises(StartupError, match=rf"^GET /late \({HERE}\.opened of "):
            app.include_router(a_late_router())

    @pytest.mark.parametrize("attempt", TO_OVERRIDES.values(), ids=TO_OVERRIDES)
    async def test_overrides(self, attempt: Callable[[FastAPI], object], started: Any) -> None:
        """Nothing can be overridden any more."""
        client, app, *_ = started
        with pytest.raises(StartupError, match="seal"):
            attempt(app)
        assert app.dependency_overrides == {}
        assert (await client.get("/v1/evil/first", headers={"X-Caller": "ada"})).status_code == 200

    async def test_services(self, started: Any) -> None:
        """Nothing is provided any more; the message names its class."""
        _, app, *_ = started
        with pytest.raises(StartupError, match=rf"^service {HERE}\.Caller comes too late"):
            app.state.parley.provide(Caller())
        with pytest.raises(StartupError, match="isn't there"):
            app.state.parley.require(Caller)

    async def test_started_again(self, core_settings: CoreSettings) -> None:
        """An application that has ended may change, and is checked when it starts again."""
        app = an_application([core_settings], [evil(taking(""))])
        async with running_client(app):
            pass
        app.dependency_overrides[provided(Database)] = second
        app.mount("/files", FastAPI())
        with pytest.raises(StartupError, match="mount '/files' is refused"):
            async with running_client(app):
                pass


def growing(change: Callable[[FastAPI, Router], object]) -> tuple[object, list[FastAPI]]:
    """A plugin that changes what was proved in its lifespan, and where it finds the application."""
    outer, inner, found = a_router(), a_router("/inner"), list[FastAPI]()
    outer.get("")(gate_alone)
    inner.get("")(behind)
    outer.include_router(inner)

    @asynccontextmanager
    async def lifespan(parley: Parley) -> AsyncIterator[None]:
        change(found[0], inner)
        yield

    return evil(outer, parley_lifespan=lifespan), found


LATER: dict[str, tuple[Callable[[FastAPI, Router], object], str]] = {
    "route of another class": (
        lambda _, inner: inner.add_api_route("/late", answer, route_class_override=OwnRoute),
        f"plugin 'evil': route GET /evil/inner/late ({HERE}.answer) {CLASS}",
    ),
    "route that FastAPI hasn't noticed": (
        lambda _, inner: inner.routes.append(ParleyRoute("/late", answer)),
        "plugin 'evil': route GET /late isn't found",
    ),
    "mount": (lambda _, inner: inner.mount("/late", FastAPI()), "plugin 'evil': route ANY /late isn't found"),
    "folder": (
        lambda _, inner: inner.frontend("/late", directory=Path(__file__).parent),
        "plugin 'evil': the frontend of router '/inner' serves files without a guard",
    ),
    "mount of the application": (lambda app, _: app.mount("/late", FastAPI()), "mount '/late' is refused"),
    "equal route": (
        lambda _, inner: inner.get("")(answer),
        f"route GET /v1/evil/inner ({HERE}.answer of plugin 'evil')",
    ),
    "in front of all": (
        lambda app, _: app.router.routes.insert(0, Route("/{rest:path}", opened)),
        f"route GET /v1/evil ({HERE}.gate_alone of plugin 'evil') isn't reached",
    ),
    "override": (
        lambda app, _: app.dependency_overrides.update({behind: second, GATE: second}),
        f"route GET /v1/evil ({HERE}.gate_alone of plugin 'evil'): {HERE}.second overrides {HERE}.Caller",
    ),
}


class TestInLifespan:
    @pytest.mark.parametrize(("change", "message"), LATER.values(), ids=LATER)
    async def test_refused(
        self, change: Callable[[FastAPI, Router], object], message: str, core_settings: CoreSettings
    ) -> None:
        """What a lifespan adds is checked as what was there before: the application doesn't start."""
        plugin, found = growing(change)
        found.append(app := an_application([core_settings], [plugin]))
        with pytest.raises(StartupError) as caught:
            async with running_client(app):
                pass
        assert str(caught.value).startswith(message)


class TestOverrides:
    @pytest.mark.parametrize("key", [GATE, behind], ids=["gate", "what leads to it"])
    def test_of_a_gate(self, key: Any) -> None:
        """A gate that is replaced lets in whom the other lets in, and so does what leads to one."""
        router = a_router()
        router.get("", dependencies=[Depends(behind)])(answer)
        app = an_application([], [evil(router)])
        app.dependency_overrides[key] = second
        with pytest.raises(
            StartupError, match=rf"^route GET /v1/evil \({HERE}.answer of plugin 'evil'\): {HERE}.second"
        ):
            app.state.parley.verify(app)


class TestHost:
    """A host application goes on living while Parley runs in it."""

    @pytest.fixture
    async def host(self, core_settings: CoreSettings) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI, Router]]:
        router = a_router()
        router.get("/things/{x}", name="read_evil")(behind)
        inner = a_router("/inner")
        inner.get("")(gate_alone)
        router.include_router(inner)
        parley = Parley([core_settings], plugins=[evil(router)], unguarded=True)
        app = FastAPI(lifespan=parley.lifespan)
        parley.mount(app)
        async with running_client(app) as client:
            yield client, app, inner

    async def test_own_routes(self, host: Any, tmp_path: Path) -> None:
        """It adds routes, routers, mounts and folders at addresses of its own."""
        (tmp_path / "index.html").write_text("open")
        client, app, _ = host
        app.get("/own")(opened)
        app.include_router(a_late_router())
        app.mount("/sub", FastAPI())
        app.frontend("/files", directory=tmp_path)
        assert [(await client.get(path)).text for path in ("/own", "/late", "/files/")] == ["open"] * 3

    @pytest.mark.parametrize("path", ["/v1/evil/things/{y}", "/{rest:path}", "/v1/evil/{kind}/{x:int}"])
    async def test_parleys_addresses(self, path: str, host: Any) -> None:
        """At Parley's addresses it adds nothing: the message names both, and the route is gone again."""
        client, app, _ = host
        before = list(app.router.routes)
        with pytest.raises(StartupError, match="isn't reached"):
            app.router.routes.insert(0, Route(path, opened))
        assert app.router.routes == before
        assert (await client.get("/v1/evil/things/1", headers={"X-Caller": "ada"})).text == '"ada"'

    async def test_parleys_routers(self, host: Any) -> None:
        """Parley's own routers are sealed there, too."""
        with pytest.raises(StartupError, match="seal"):
            host[2].get("/late")(opened)

    async def test_overrides(self, host: Any) -> None:
        """It overrides its own dependencies, and none of Parley's routes."""
        _, app, _ = host
        app.dependency_overrides[opened] = second
        with pytest.raises(StartupError, match=rf"^the override of {HERE}\.Caller comes too late"):
            app.dependency_overrides[GATE] = second
        assert app.dependency_overrides == {opened: second}
