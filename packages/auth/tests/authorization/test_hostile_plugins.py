"""Plugins that try to get round the guards: each is refused by its name, or a request shows that it does no harm."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Query, Request, Security, WebSocket
from pydantic import BaseModel, ConfigDict, Field

import parley_auth.plugin
from parley_auth import Access, Guard, ParticipantScope, PolicyRule
from parley_auth.authorization.authorizer import Authorizer
from parley_auth.authorization.guard import _bearer
from parley_auth.authorization.policy_table import PolicyTable
from parley_auth.testing import auth_settings
from parley_core import Parley, PublicRoute, Router, StartupError
from parley_core.errors import BusinessRuleError, NotFoundError
from parley_core.http.requests import provided
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

HERE = __name__
NEVER: Any = None
Named = tuple[tuple[str, str], ...]


class TicketNotFound(NotFoundError):
    code = "ticket_not_found"
    title = "There is no such ticket"


class TicketClosed(BusinessRuleError):
    code = "ticket_closed"
    title = "The ticket is closed"


SCOPE = ParticipantScope(
    name="ticket",
    path_param="ticket_id",
    relations=("owner",),
    states=("open",),
    not_found=TicketNotFound,
    closed=TicketClosed,
    access_of=NEVER,
    lock=NEVER,
)
READ = Guard("tickets:read")
USE = Guard("evil:use")


async def read_ticket() -> None: ...
async def post_comment() -> None: ...
async def read_inner() -> None: ...
async def late() -> None: ...
async def answer() -> dict[str, str]:
    return {"text": "secret"}


async def listen(websocket: WebSocket) -> None:
    await websocket.accept()


def tickets() -> ModuleType:
    """The plugin whose resources the others are after."""
    router = Router(prefix="/tickets", tag="tickets")
    router.get("/{ticket_id}", dependencies=[Depends(READ)])(read_ticket)
    router.post("/{ticket_id}/comments", dependencies=[Depends(READ)])(post_comment)
    rule = PolicyRule(action="tickets:read", scope="ticket", roles=None)
    return a_plugin("tickets", parley_routers=[router], parley_policies=[rule], parley_participant_scopes=[SCOPE])


def evil(
    *routers: APIRouter, name: str = "evil", public: tuple[tuple[str, str], ...] = (), **hooks: object
) -> ModuleType:
    """A plugin with an action of its own, which every account may do, and these routes public."""
    declared = {
        "parley_routers": list(routers),
        "parley_policies": [PolicyRule(action="evil:use", roles=None)],
        "parley_public_routes": [PublicRoute(method, path, "everybody may look") for method, path in public],
    }
    return a_plugin(name, **declared | hooks)


def routed(
    path: str,
    endpoint: Callable[..., Any] = answer,
    *,
    guard: Any = USE,
    method: str = "GET",
    prefix: str = "",
) -> Router:
    """A router with one route, `answer` or another endpoint."""
    router = Router(prefix=prefix, tag="evil")
    dependencies = [] if guard is None else [Depends(guard)]
    if method == "WEBSOCKET":
        router.add_api_websocket_route(path, listen, dependencies=dependencies)
    else:
        router.add_api_route(path, endpoint, methods=[method], dependencies=dependencies)
    return router


def app_of(*plugins: object, owns_app: bool = True) -> FastAPI:
    core = CoreSettings.model_validate({"mongodb_uri": "mongodb://nowhere.invalid"})
    parley = Parley([core, auth_settings()], plugins=[parley_auth.plugin, *plugins])
    app = FastAPI(openapi_url=None)
    parley.mount(app, owns_app=owns_app)
    return app


def refusal(*plugins: object, owns_app: bool = True) -> str:
    app = app_of(*plugins, owns_app=owns_app)
    with pytest.raises(StartupError) as caught:
        app.state.parley.verify(app)
    return str(caught.value)


class TicketQuery(BaseModel):
    """A filter."""

    model_config = ConfigDict(extra="ignore")
    ticket: str = Field("", alias="ticket_id")


async def from_query(ticket_id: str) -> str:
    return ticket_id


async def by_query(ticket_id: str) -> None: ...
async def by_alias(other: Annotated[str, Query(alias="ticket_id")]) -> None: ...
async def by_dependency(found: Annotated[str, Depends(from_query)]) -> None: ...
async def by_model(query: Annotated[TicketQuery, Query()]) -> None: ...
async def by_header(ticket_id: Annotated[str, Header()]) -> None: ...
async def by_cookie(ticket_id: Annotated[str, Cookie()]) -> None: ...


def nested(path: str, prefix: str) -> Router:
    outer = Router(prefix="/tickets", tag="evil")
    outer.include_router(routed(path), prefix=prefix)
    return outer


PLACES: dict[str, tuple[Callable[[], Router], str, str]] = {
    "another name": (lambda: routed("/tickets/{id}/secret"), "GET /v1/tickets/{id}/secret", "{id}"),
    "convertor": (lambda: routed("/tickets/{id:path}", method="PUT"), "PUT /v1/tickets/{id:path}", "{id:path}"),
    "number": (lambda: routed("/tickets/{n:int}/secret"), "GET /v1/tickets/{n:int}/secret", "{n:int}"),
    "part of a segment": (lambda: routed("/tickets/{id}.json", method="PUT"), "PUT /v1/tickets/{id}.json", "{id}.json"),
    "behind a letter": (lambda: routed("/tickets/a{id}/secret"), "GET /v1/tickets/a{id}/secret", "a{id}"),
    "WebSocket": (lambda: routed("/tickets/{id}", method="WEBSOCKET"), "WEBSOCKET /v1/tickets/{id}", "{id}"),
    "OPTIONS": (lambda: routed("/tickets/{id}", method="OPTIONS"), "OPTIONS /v1/tickets/{id}", "{id}"),
    "DELETE": (lambda: routed("/tickets/{id}", method="DELETE"), "DELETE /v1/tickets/{id}", "{id}"),
    "prefix": (lambda: routed("/secret", prefix="/tickets/{id}"), "GET /v1/tickets/{id}/secret", "{id}"),
    "prefix of an include": (lambda: nested("/secret", "/{id}"), "GET /v1/tickets/{id}/secret", "{id}"),
    "any kind": (lambda: routed("/{kind}/{id}/secret"), "GET /v1/{kind}/{id}/secret", "{id}"),
    "rest": (lambda: routed("/{rest:path}/secret"), "GET /v1/{rest:path}/secret", "{rest:path}"),
}
INPUTS = {
    "query": by_query,
    "alias": by_alias,
    "dependency": by_dependency,
    "model": by_model,
    "header": by_header,
    "cookie": by_cookie,
}


class TestScopes:
    @pytest.mark.parametrize("is_public", [False, True], ids=["guarded", "public"])
    @pytest.mark.parametrize(("make", "route", "segment"), PLACES.values(), ids=PLACES)
    def test_another_name_for_the_parameter(
        self, make: Callable[[], Router], route: str, segment: str, *, is_public: bool
    ) -> None:
        """Whatever stands where the scope's parameter does is that parameter; no declaration opens such a route."""
        method, path = route.split()
        public = ((method, path),) if is_public else ()
        message = refusal(tickets(), evil(make(), name="zoo", public=public))
        function = "listen" if method == "WEBSOCKET" else "answer"
        assert message == (
            f"route {route} ({HERE}.{function} of plugin 'zoo'): {segment} stands where scope 'ticket' has "
            "{ticket_id}: give it this name, and the route a guard of the scope"
        )

    @pytest.mark.parametrize("guard", [USE, None], ids=["other guard", "public"])
    @pytest.mark.parametrize("endpoint", INPUTS.values(), ids=INPUTS)
    def test_not_in_the_path(self, endpoint: Callable[..., Any], guard: Guard | None) -> None:
        """A guard reads the path, so the scope's parameter can't come from elsewhere."""
        plugin = evil(routed("/evil", endpoint, guard=guard), public=() if guard else (("GET", "/v1/evil"),))
        start = f"route GET /v1/evil ({HERE}.{endpoint.__name__} of plugin 'evil'): its parameter 'ticket"
        assert refusal(tickets(), plugin).startswith(start)

    def test_beside_the_path(self) -> None:
        """Nor in a route of the scope: its guard has seen another resource."""
        plugin = evil(routed("/tickets/{ticket_id}/evil", by_alias, guard=READ))
        assert "names a resource of scope 'ticket', which its guard reads in the path alone" in refusal(
            tickets(), plugin
        )

    async def test_unknown_query(self, core_settings: CoreSettings) -> None:
        """Who reads the query by hand reads nothing: a parameter that isn't declared is 400."""
        router = Router(prefix="/evil", tag="evil")

        @router.get("")
        async def read_by_hand(request: Request) -> str:
            return request.query_params.get("ticket_id", "")

        plugins = [parley_auth.plugin, tickets(), evil(router, public=(("GET", "/v1/evil"),))]
        async with running_client(an_application([core_settings, auth_settings()], plugins)) as client:
            assert (await client.get("/v1/evil")).status_code == 200
            assert (await client.get("/v1/evil?ticket_id=1")).json()["code"] == "validation_error"

    def test_of_the_host(self) -> None:
        """A host's route at the place of a scope's parameter is refused, too; elsewhere it does as it likes."""
        app = app_of(tickets(), owns_app=False)
        app.get("/{page}/{name}/{part}")(answer)
        app.get("/tickets/{id}")(answer)
        app.state.parley.verify(app)
        app.get("/v1/tickets/{id}/secret")(answer)
        with pytest.raises(StartupError, match=r"GET /v1/tickets/\{id\}/secret .* stands where scope 'ticket' has"):
            app.state.parley.verify(app)


class Lenient(Guard):
    """A guard that lets everybody in."""

    async def __call__(self, request: Any) -> Any:  # type: ignore[override]
        return None

    async def admit(self, request: Any) -> Any:
        return None


def with_method() -> Guard:
    guard = Guard("evil:use")
    vars(guard)["_authorize"] = answer
    return guard


GUARDS: dict[str, tuple[Callable[[], Any], str]] = {
    "subclass": (lambda: Lenient("evil:use"), ": its guard is of class Lenient, but only parley_auth.Guard itself is"),
    "method": (with_method, ": its guard is of class Guard, but only parley_auth.Guard itself is known to refuse"),
    "partial": (lambda: functools.partial(USE), " has no guard and isn't declared public"),
    "lambda": (lambda: lambda: USE, " has no guard and isn't declared public"),
    "class": (lambda: Guard, " has no guard and isn't declared public"),
    "bound method": (lambda: USE.admit, " has no guard and isn't declared public"),
    "none": (lambda: None, " has no guard and isn't declared public"),
}


class TestGuards:
    @pytest.mark.parametrize("owns_app", [True, False], ids=["own", "host"])
    @pytest.mark.parametrize(("make", "reason"), GUARDS.values(), ids=GUARDS)
    def test_no_guard(self, make: Callable[[], Any], reason: str, *, owns_app: bool) -> None:
        """Only a `Guard` as it was made guards a route."""
        message = refusal(evil(routed("/evil", guard=make())), owns_app=owns_app)
        assert message.startswith(f"route GET /v1/evil ({HERE}.answer of plugin 'evil'){reason}")

    def test_stays_as_it_was(self) -> None:
        """A guard's actions can't be changed after the proof."""
        guard = Guard("tickets:read")
        with pytest.raises(AttributeError, match="a guard stays as it was made"):
            guard.actions = ("evil:use",)

    async def test_security(self, core_settings: CoreSettings) -> None:
        """`Security(guard)` is a guard as `Depends(guard)` is."""
        router = Router(prefix="/evil", tag="evil")

        @router.get("")
        async def read_evil(_access: Annotated[Access, Security(USE)]) -> None: ...

        app = an_application([core_settings, auth_settings()], [parley_auth.plugin, evil(router)])
        async with running_client(app) as client:
            assert (await client.get("/v1/evil")).status_code == 401


async def anyone() -> str:
    return "anyone"


async def loaded(access: Annotated[Access, Depends(USE)]) -> Access:
    return access


class TestOverrides:
    @pytest.mark.parametrize("key", [USE, _bearer, loaded], ids=["guard", "token", "what leads to it"])
    def test_refused(self, key: Any) -> None:
        """An override of a guard, of what it reads or of what leads to it is refused; the message names both."""
        app = app_of(evil(routed("/evil", guard=loaded)))
        app.dependency_overrides[key] = anyone
        with pytest.raises(StartupError) as caught:
            app.state.parley.verify(app)
        assert f"{HERE}.anyone overrides " in str(caught.value)
        assert "without which the route isn't guarded" in str(caught.value)

    async def test_of_services(self, core_settings: CoreSettings) -> None:
        """Services may be replaced before the start: the guard is asked all the same."""
        app = an_application([core_settings, auth_settings()], [parley_auth.plugin, evil(routed("/evil"))])
        app.dependency_overrides[provided(PolicyTable)] = anyone
        async with running_client(app) as client:
            assert (await client.get("/v1/evil")).status_code == 401


OPENING = "plugin 'evil' can't declare another's route public"
PUBLIC: dict[str, tuple[tuple[str, str], str]] = {
    "missing": (("GET", "/v1/nothing"), "plugin 'evil': public route GET /v1/nothing doesn't exist"),
    "other method": (("HEAD", "/v1/evil"), "plugin 'evil': public route HEAD /v1/evil doesn't exist"),
    "other spelling": (("GET", "/v1/evil/"), "plugin 'evil': public route GET /v1/evil/ doesn't exist"),
    "of auth": (
        ("GET", "/v1/users/me"),
        f"{OPENING}: GET /v1/users/me (parley_auth.accounts.endpoints.read_account of plugin 'auth')",
    ),
    "of the application": (
        ("GET", "/own"),
        f"{OPENING}: GET /own ({HERE}.answer of the application itself)",
    ),
}


class TestPublicRoutes:
    @pytest.mark.parametrize(("route", "message"), PUBLIC.values(), ids=PUBLIC)
    def test_refused(self, route: tuple[str, str], message: str) -> None:
        """A plugin opens a route of its own that exists, and nothing else."""
        app = app_of(evil(routed("/evil"), public=(route,)))
        app.get("/own", dependencies=[Depends(USE)])(answer)
        with pytest.raises(StartupError) as caught:
            app.state.parley.verify(app)
        assert str(caught.value) == message


Change = Callable[[FastAPI, Router, Parley], object]
IN_LIFESPAN: dict[str, tuple[Change, str]] = {
    "route of an included router": (
        lambda _app, inner, _parley: inner.get("/late")(late),
        f"route GET /v1/evil/inner/late ({HERE}.late of plugin 'evil') has no guard and isn't declared public",
    ),
    "WebSocket of an included router": (
        lambda _app, inner, _parley: inner.websocket("/late")(listen),
        f"route WEBSOCKET /v1/evil/inner/late ({HERE}.listen of plugin 'evil') has no guard and isn't",
    ),
    "route of the application": (
        lambda app, _inner, _parley: app.add_api_route("/late", late),
        f"route GET /late ({HERE}.late of the application itself) has no guard and isn't declared public",
    ),
    "router in the application": (
        lambda app, _inner, _parley: app.include_router(routed("/late", late, guard=None)),
        f"route GET /late ({HERE}.late of the application itself) has no guard and isn't declared public",
    ),
    "override of a guard": (
        lambda app, _inner, _parley: app.dependency_overrides.update({USE: anyone}),
        f"route GET /v1/evil ({HERE}.answer of plugin 'evil'): {HERE}.anyone overrides",
    ),
    "policy": (
        lambda _app, _inner, parley: parley.provide(PolicyTable([])),
        "service parley_auth.authorization.policy_table.PolicyTable is provided already by plugin 'auth'",
    ),
    "authorizer": (
        lambda _app, _inner, parley: parley.provide(Authorizer(NEVER, PolicyTable([]), {})),
        "service parley_auth.authorization.authorizer.Authorizer is provided already by plugin 'auth'",
    ),
}


def changing(change: Change, hook: str, name: str) -> tuple[ModuleType, list[FastAPI]]:
    """A plugin that changes the application in a hook, and where it finds the application."""
    outer, inner, found = routed("/evil"), Router(prefix="/inner", tag="evil"), list[FastAPI]()
    inner.get("", dependencies=[Depends(USE)])(read_inner)
    outer.include_router(inner, prefix="/evil")

    @asynccontextmanager
    async def lifespan(parley: Parley) -> AsyncIterator[None]:
        change(found[0], inner, parley)
        yield

    def verify(parley: Parley) -> None:
        change(found[0], inner, parley)

    hooks: dict[str, Any] = {hook: lifespan if hook == "parley_lifespan" else verify}
    return evil(outer, name=name, **hooks), found


class TestAfterTheProof:
    @pytest.mark.parametrize("hook", ["parley_lifespan", "parley_verify"])
    @pytest.mark.parametrize(("change", "message"), IN_LIFESPAN.values(), ids=IN_LIFESPAN)
    async def test_does_not_start(self, change: Change, message: str, hook: str, core_settings: CoreSettings) -> None:
        """What a lifespan, or the check of a later plugin, changes is refused before the first request."""
        plugin, found = changing(change, hook, "evil")
        found.append(app := an_application([core_settings, auth_settings()], [parley_auth.plugin, plugin]))
        with pytest.raises(StartupError) as caught:
            async with running_client(app):
                pass
        if hook == "parley_verify" and "Authorizer" in message:
            message = "service parley_auth.authorization.authorizer.Authorizer is provided already by plugin 'evil'"
        assert str(caught.value).startswith(message)

    async def test_in_a_host(self, core_settings: CoreSettings) -> None:
        """A plugin's route that comes late is refused in a host application, too."""
        plugin, found = changing(lambda _app, inner, _parley: inner.get("/late")(late), "parley_lifespan", "evil")
        parley = Parley([core_settings, auth_settings()], plugins=[parley_auth.plugin, plugin])
        found.append(app := FastAPI(lifespan=parley.lifespan))
        parley.mount(app)
        with pytest.raises(StartupError, match=r"late of plugin 'evil'\) has no guard"):
            async with running_client(app):
                pass

    async def test_host_adds_inside_a_scope(self, core_settings: CoreSettings) -> None:
        """While it runs, a host adds a route inside a scope only with its guard."""
        parley = Parley([core_settings, auth_settings()], plugins=[parley_auth.plugin, tickets()])
        app = FastAPI(lifespan=parley.lifespan)
        parley.mount(app)
        async with running_client(app) as client:
            with pytest.raises(StartupError, match="lacks a guard of scope 'ticket'"):
                app.get("/own/{ticket_id}")(answer)
            with pytest.raises(StartupError, match="stands where scope 'ticket' has"):
                app.get("/v1/tickets/{id}/secret")(answer)
            app.get("/own/{ticket_id}", dependencies=[Depends(READ)])(answer)
            assert [(await client.get(path)).status_code for path in ("/own/1", "/v1/tickets/1/secret")] == [401, 404]


class TestWithoutAuth:
    def test_unproved(self) -> None:
        """Without a plugin that proves guards an application says so, or doesn't start."""
        for unguarded in (False, True):
            parley = Parley(
                plugins=[a_plugin("evil", parley_routers=[routed("/evil", guard=None)])], unguarded=unguarded
            )
            parley.mount(app := FastAPI())
            if unguarded:
                parley.verify(app)
            else:
                with pytest.raises(
                    StartupError, match=r"^no plugin proves that every route is guarded: add parley_auth"
                ):
                    parley.verify(app)

    def test_unguarded_beside_auth(self) -> None:
        """With auth every route is proved, whatever the application says."""
        parley = Parley(
            [auth_settings()], plugins=[parley_auth.plugin, evil(routed("/evil", guard=None))], unguarded=True
        )
        parley.mount(app := FastAPI())
        with pytest.raises(StartupError, match="has no guard and isn't declared public"):
            parley.verify(app)

    def test_hooks_of_auth(self) -> None:
        """A plugin that needs auth is refused with auth's name."""
        with pytest.raises(StartupError) as caught:
            Parley(plugins=[tickets()])
        assert str(caught.value) == (
            "plugin 'tickets': hook 'parley_participant_scopes' is one of plugin 'auth', which is missing: "
            "add parley_auth.plugin to the plugins, or auth to PARLEY_PLUGINS"
        )
