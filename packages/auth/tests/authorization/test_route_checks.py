"""The checks of the routes at start-up: each mistake is made here, and the message names the culprit."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.routing import Route

import parley_auth.plugin
from parley_auth import Guard, ParticipantScope, PolicyRule, Role
from parley_auth.authorization.policy_page import policy_of, rendered
from parley_auth.testing import auth_settings
from parley_core import Parley, PublicRoute, Router, StartupError
from parley_core.errors import BusinessRuleError, NotFoundError
from parley_core.http.framework import routes_of
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin


class ThingNotFound(NotFoundError):
    code = "thing_not_found"
    title = "There is no such thing"


class ThingClosed(BusinessRuleError):
    code = "thing_closed"
    title = "The thing is closed"


_never: Any = None  # the checks read no resource


def a_scope(
    name: str = "thing", path_param: str = "thing_id", relations: tuple[str, ...] = ("helper", "subject")
) -> ParticipantScope:
    return ParticipantScope(
        name=name,
        path_param=path_param,
        relations=relations,
        states=("open", "shut"),
        not_found=ThingNotFound,
        closed=ThingClosed,
        access_of=_never,
        lock=_never,
    )


def a_rule(action: str = "things:read", scope: str | None = "thing", **named: set[str]) -> PolicyRule:
    options: dict[str, Any] = {"roles": None} | {name: frozenset(words) for name, words in named.items()}
    return PolicyRule(action=action, scope=scope, **options)


READ, OTHER, TOOL = a_rule(), a_rule("others:read", "other"), a_rule("tools:use", None)
SCOPES = [a_scope(), a_scope("other", "other_id")]


def a_router(path: str, *guards: Guard, websocket: bool = False, name: str = "answer") -> Router:
    """Return a router with one route at `path`, with these guards."""
    router = Router(prefix="/x", tag="x")
    dependencies = [Depends(guard) for guard in guards]
    if websocket:
        router.add_api_websocket_route(path, _listen, name=name, dependencies=dependencies)
    else:
        router.add_api_route(path, _answer, name=name, dependencies=dependencies)
    return router


async def _answer() -> None: ...


async def _listen(websocket: WebSocket) -> None:
    await websocket.accept()


def things(*routers: APIRouter, **declarations: Any) -> ModuleType:
    """The plugin "things": two scopes, one action in each and one outside, and these routers."""
    declared = {
        "parley_participant_scopes": SCOPES,
        "parley_policies": [READ, OTHER, TOOL],
        "parley_routers": list(routers),
    }
    return a_plugin("things", **declared | declarations)


def composed(*plugins: ModuleType, host: FastAPI | None = None, owns_app: bool = False) -> FastAPI:
    app = host or FastAPI(openapi_url=None)
    core = CoreSettings.model_validate({"mongodb_uri": "mongodb://nowhere.invalid"})
    parley = Parley([core, auth_settings()], plugins=[parley_auth.plugin, *plugins])
    parley.mount(app, owns_app=owns_app)
    return app


def refusal(*plugins: ModuleType, host: FastAPI | None = None, owns_app: bool = False) -> str:
    """Return why an application of auth and these plugins doesn't start."""
    with pytest.raises(StartupError) as caught:
        accepted(*plugins, host=host, owns_app=owns_app)
    return str(caught.value)


def named(route: str, function: str = "_answer", owner: str = "plugin 'things'") -> str:
    """A route as messages name it."""
    return f"route {route} ({__name__}.{function} of {owner})"


def accepted(*plugins: ModuleType, host: FastAPI | None = None, owns_app: bool = False) -> FastAPI:
    app = composed(*plugins, host=host, owns_app=owns_app)
    app.state.parley.verify(app)
    return app


def nested(inner: APIRouter, *guards: Guard, prefix: str = "/in") -> Router:
    """Return a router that includes another one, with these guards for all its routes."""
    outer = Router(prefix="/out", tag="out")
    outer.include_router(inner, prefix=prefix, dependencies=[Depends(guard) for guard in guards])
    return outer


class TestEveryRouteIsGuarded:
    @pytest.mark.parametrize(
        ("router", "name"),
        [
            (a_router("/a"), named("GET /v1/x/a")),
            (a_router("/a", websocket=True), named("WEBSOCKET /v1/x/a", "_listen")),
            (nested(a_router("/a")), named("GET /v1/out/in/x/a")),
            (nested(a_router("/a", websocket=True)), named("WEBSOCKET /v1/out/in/x/a", "_listen")),
            (nested(nested(a_router("/a"))), named("GET /v1/out/in/out/in/x/a")),
        ],
        ids=["HTTP", "WebSocket", "nested", "nested WebSocket", "twice nested"],
    )
    def test_neither_guarded_nor_public(self, router: Router, name: str) -> None:
        """A plugin's route without a guard must be declared public."""
        assert refusal(things(router)) == f"{name} has no guard and isn't declared public"

    def test_guard_class_is_no_guard(self) -> None:
        """The class `Guard` itself, without actions, is no guard."""
        router = Router(prefix="/x", tag="x")
        router.add_api_route("/a", _answer, dependencies=[Depends(Guard)])
        assert "has no guard" in refusal(things(router))

    def test_open_by_declaration(self) -> None:
        """A route may be public with a reason, for the declared method only."""
        reason = PublicRoute("GET", "/v1/x/a", "everybody may look")
        accepted(things(a_router("/a"), parley_public_routes=[reason]))
        router = a_router("/a")
        router.add_api_route("/a", _answer, methods=["POST"], name="post")
        message = refusal(things(router, parley_public_routes=[reason]))
        assert message == f"{named('POST /v1/x/a')} has no guard and isn't declared public"

    @pytest.mark.parametrize("shows_docs", [True, False])
    def test_left_out_by_a_setting(self, shows_docs: bool) -> None:  # noqa: FBT001 - a case
        """Both hooks see the settings, so that a setting leaves out a route and its declaration."""

        def parley_routers(parley: Parley) -> list[APIRouter]:
            return [a_router("/a")] if parley.settings(CoreSettings).docs else []

        def parley_public_routes(parley: Parley) -> list[PublicRoute]:
            return [PublicRoute("GET", "/v1/x/a", "everybody may look")] if parley.settings(CoreSettings).docs else []

        core = CoreSettings.model_validate({"mongodb_uri": "mongodb://nowhere.invalid", "docs": shows_docs})
        plugin = a_plugin("things", parley_routers=parley_routers, parley_public_routes=parley_public_routes)
        app = FastAPI(openapi_url=None)
        parley = Parley([core, auth_settings()], plugins=[parley_auth.plugin, plugin])
        parley.mount(app)
        parley.verify(app)
        assert ("/v1/x/a" in {route.path for route in routes_of(app)}) == shows_docs

    def test_open_for_one_of_two_methods(self) -> None:
        """A route of two methods is public only when both are declared."""
        router = Router(prefix="/x", tag="x")
        router.add_api_route("/a", _answer, methods=["GET", "POST"], name="both")
        message = refusal(things(router, parley_public_routes=[PublicRoute("GET", "/v1/x/a", "everybody may look")]))
        assert message == f"{named('GET/POST /v1/x/a')} has no guard and isn't declared public"

    async def test_a_start_is_refused(self) -> None:
        """The checks are part of the start: when they fail, no request is served."""
        app = composed(things(a_router("/a")))

        with pytest.raises(StartupError, match="has no guard"):
            async with app.state.parley.lifespan(app):
                pass


class TestGuards:
    def test_unknown_action(self) -> None:
        """A guard's action without a rule, such as a misspelt one, is refused."""
        message = refusal(things(a_router("/a", Guard("tools:us"))))
        assert message == f"{named('GET /v1/x/a')}: its guard names action 'tools:us', which has no rule"

    def test_no_action(self) -> None:
        """A guard without an action is refused."""
        assert refusal(things(a_router("/a", Guard()))) == f"{named('GET /v1/x/a')}: its guard names no action"

    def test_actions_of_two_scopes(self) -> None:
        """The actions of one guard must be of one scope."""
        message = refusal(things(a_router("/{thing_id}", Guard("things:read", "tools:use"))))
        assert (
            message
            == f"{named('GET /v1/x/{thing_id}')}: its guard's actions things:read, tools:use are of different scopes"
        )

    def test_scope_without_parameter(self) -> None:
        """A guard of a scope needs the scope's parameter in the path."""
        message = refusal(things(a_router("/a", Guard("things:read"))))
        assert message == f"{named('GET /v1/x/a')}: its guard is of scope 'thing', its path is not"

    def test_misspelt_parameter(self) -> None:
        """A path that misspells the parameter is refused for the same reason."""
        message = refusal(things(a_router("/{thingid}", Guard("things:read"))))
        assert message == f"{named('GET /v1/x/{thingid}')}: its guard is of scope 'thing', its path is not"

    def test_guard_of_a_dependency_counts(self) -> None:
        """A guard may be a dependency of another dependency."""

        async def loaded(_access: Annotated[object, Depends(Guard("things:read"))]) -> None: ...

        router = Router(prefix="/x", tag="x")
        router.add_api_route("/{thing_id}", _answer, dependencies=[Depends(loaded)])
        accepted(things(router))


def _two_routers() -> Router:
    outer = nested(a_router("/{thing_id}/a", name="a"), Guard("things:read"))
    outer.include_router(a_router("/{thing_id}/b", Guard("tools:use"), name="b"))
    return outer


LACKING: dict[str, Callable[[], Router]] = {
    "guard outside of any scope": lambda: a_router("/{thing_id}", Guard("tools:use")),
    "guard of another scope": lambda: a_router("/{thing_id}/{other_id}", Guard("others:read")),
    "WebSocket": lambda: a_router("/{thing_id}", Guard("tools:use"), websocket=True),
    "WebSocket without a guard": lambda: a_router("/{thing_id}", websocket=True),
    "deep in the path": lambda: a_router("/a/{thing_id}/b", Guard("tools:use")),
    "with a convertor": lambda: a_router("/{thing_id:path}", Guard("tools:use")),
    "with an integer": lambda: a_router("/{thing_id:int}", Guard("tools:use")),
    "parameter of the prefix": lambda: nested(a_router("/a", Guard("tools:use")), prefix="/{thing_id}"),
    "nested router": lambda: nested(a_router("/{thing_id}", Guard("tools:use"))),
    "guard for a sibling alone": _two_routers,
}


class TestEveryScopedRouteHasItsGuard:
    @pytest.mark.parametrize("make", LACKING.values(), ids=LACKING)
    def test_lacking(self, make: Callable[[], Router]) -> None:
        """A route whose path has a scope's parameter is refused without a guard of that scope."""
        message = refusal(things(make()))
        assert "{thing_id" in message
        assert "of plugin 'things')" in message
        assert message.endswith("lacks a guard of scope 'thing'")

    @pytest.mark.parametrize("path", ["/v1/x/{thing_id}", "/v1/x/{thing_id:path}", "/v1/{other_id}/{thing_id}/a"])
    def test_not_public(self, path: str) -> None:
        """A route with a scope's parameter can't be declared public."""
        message = refusal(things(parley_public_routes=[PublicRoute("GET", path, "everybody may look")]))
        assert message.startswith(f"plugin 'things': route {path} can't be public: it has the parameter {{")

    def test_guarded_ones_pass(self) -> None:
        """Guards of the route, of the including router and of several scopes all count."""
        both = (Guard("things:read"), Guard("others:read"))
        accepted(
            things(
                a_router("/1/{thing_id}", Guard("things:read"), name="one"),
                a_router("/2/{thing_id:path}", Guard("things:read"), name="two"),
                a_router("/3/{thing_id}", Guard("things:read"), websocket=True, name="three"),
                a_router("/4/{thing_id}/{other_id}", *both, name="four"),
                nested(a_router("/5/{thing_id}", name="five"), Guard("things:read")),
                nested(nested(a_router("/6", websocket=True, name="six")), Guard("things:read"), prefix="/{thing_id}"),
            )
        )


class TestHostApplication:
    def test_own_routes_are_its_own_concern(self) -> None:
        """An application that uses auth may have unguarded routes, WebSockets and mounts of its own."""
        host = FastAPI(openapi_url=None)
        host.get("/hello")(_answer)
        host.websocket("/echo")(_listen)
        host.mount("/files", Starlette())
        accepted(things(), host=host)

    def test_unless_parley_owns_it(self) -> None:
        """When Parley owns the application, each of its routes is checked, plain Starlette routes too."""
        ours, plain = FastAPI(openapi_url=None), FastAPI(openapi_url=None)
        ours.get("/hello")(_answer)
        plain.router.routes.append(Route("/hello", _answer, methods=["POST"]))
        for host, method in ((ours, "GET"), (plain, "POST")):
            message = refusal(things(), host=host, owns_app=True)
            assert (
                message
                == f"{named(f'{method} /hello', owner='the application itself')} has no guard and isn't declared public"
            )

    @pytest.mark.parametrize("kind", ["HTTP", "WebSocket", "mount", "included", "plain"])
    def test_a_scopes_parameter_needs_its_guard(self, kind: str) -> None:
        """A route inside a scope needs a guard, whoever brings the route."""
        host, router = FastAPI(openapi_url=None), APIRouter()
        router.get("/{thing_id}")(_answer)
        openings: dict[str, Callable[[], object]] = {
            "HTTP": lambda: host.get("/{thing_id}")(_answer),
            "WebSocket": lambda: host.websocket("/{thing_id}")(_listen),
            "mount": lambda: host.mount("/x/{thing_id}", Starlette()),
            "included": lambda: host.include_router(router),
            "plain": lambda: host.router.routes.append(Route("/{thing_id}", _answer)),
        }
        openings[kind]()
        message = refusal(things(), host=host)
        assert "/{thing_id} (" in message
        assert message.endswith("the application itself) lacks a guard of scope 'thing'")

    def test_guards_of_its_own_routers_count(self) -> None:
        """A host's router may be guarded as a whole, or its routes one by one."""
        router = APIRouter(prefix="/all", dependencies=[Depends(Guard("things:read"))])
        router.get("/{thing_id}")(_answer)
        host = FastAPI(openapi_url=None)
        host.include_router(router)
        host.get("/one/{thing_id}", dependencies=[Depends(Guard("things:read"))])(_answer)
        accepted(things(), host=host)

    def test_its_guards_are_checked_too(self) -> None:
        """A guard on a host's route must name an existing action."""
        host = FastAPI(openapi_url=None)
        host.get("/hello", dependencies=[Depends(Guard("things:fly"))])(_answer)
        assert refusal(things(), host=host).endswith("its guard names action 'things:fly', which has no rule")


DECLARATIONS: dict[str, tuple[Sequence[ModuleType], str]] = {
    "action of two plugins": (
        [a_plugin("one", parley_policies=[TOOL]), a_plugin("two", parley_policies=[TOOL])],
        "action 'tools:use' is declared by plugin 'one' and by plugin 'two'",
    ),
    "action of auth": (
        [a_plugin("one", parley_policies=[a_rule("users:list", None)])],
        "action 'users:list' is declared by plugin 'auth' and by plugin 'one'",
    ),
    "rules of two scopes": (
        [things(parley_policies=[READ, a_rule("things:read", "other")])],
        "plugin 'things': the rules of action 'things:read' name two scopes",
    ),
    "rules with and without a scope": (
        [things(parley_policies=[READ, a_rule("things:read", None)])],
        "plugin 'things': the rules of action 'things:read' name two scopes",
    ),
    "unknown scope": (
        [a_plugin("one", parley_policies=[READ])],
        "plugin 'one': a rule of 'things:read' names scope 'thing', which no plugin declares",
    ),
    "unknown state": (
        [things(parley_policies=[a_rule(states={"open", "ajar"})])],
        "plugin 'things': a rule of 'things:read' names state 'ajar', which scope 'thing' doesn't have",
    ),
    "unknown relation": (
        [things(parley_policies=[a_rule(relations={"helper", "owner"})])],
        "plugin 'things': a rule of 'things:read' names relation 'owner', which scope 'thing' doesn't have",
    ),
    "relation without a scope": (
        [things(parley_policies=[a_rule("tools:use", None, relations={"helper"})])],
        "plugin 'things': a rule of 'tools:use' names relation 'helper', which has no meaning without a scope",
    ),
    "outsider declared": (
        [a_plugin("one", parley_participant_scopes=[a_scope(relations=("outsider",))])],
        "plugin 'one': scope 'thing' declares the relation 'outsider', which stands for everybody who doesn't",
    ),
    "unknown role": (
        [a_plugin("one", parley_policies=[a_rule("tools:use", None, roles={"admin", "boss"})])],
        "plugin 'one': a rule of 'tools:use' names role 'boss', which no plugin declares",
    ),
    "role of two plugins": (
        [a_plugin("one", parley_roles=[Role("boss", "x")]), a_plugin("two", parley_roles=[Role("boss", "x")])],
        "role 'boss' is declared by plugin 'one' and by plugin 'two'",
    ),
    "role of auth": (
        [a_plugin("one", parley_roles=[Role("admin", "x")])],
        "role 'admin' is declared by plugin 'auth' and by plugin 'one'",
    ),
    "two roles register": (
        [
            a_plugin("one", parley_roles=[Role("one", "x", registers=True)]),
            a_plugin("two", parley_roles=[Role("two", "x", registers=True)]),
        ],
        "role that 'registers' is declared by plugin 'one' and by plugin 'two'",
    ),
    "two scopes of one name": (
        [
            a_plugin("one", parley_participant_scopes=[a_scope()]),
            a_plugin("two", parley_participant_scopes=[a_scope("thing", "id")]),
        ],
        "scope 'thing' is declared by plugin 'one' and by plugin 'two'",
    ),
    "two scopes of one parameter": (
        [
            a_plugin("one", parley_participant_scopes=[a_scope("one", "thing_id")]),
            a_plugin("two", parley_participant_scopes=[a_scope("two", "thing_id")]),
        ],
        "path parameter 'thing_id' is declared by plugin 'one' and by plugin 'two'",
    ),
    "public twice": (
        [
            a_plugin("one", parley_public_routes=[PublicRoute("GET", "/v1/a", "one reason")]),
            a_plugin("two", parley_public_routes=[PublicRoute("GET", "/v1/a", "another")]),
        ],
        "public route 'GET /v1/a' is declared by plugin 'one' and by plugin 'two'",
    ),
    "no rule": (
        [a_plugin("one", parley_policies=[TOOL, "tools:mend"])],
        "plugin 'one': hook 'parley_policies' returned str",
    ),
    "no sequence": ([a_plugin("one", parley_policies=TOOL)], "plugin 'one': hook 'parley_policies' must return a list"),
}


class TestDeclarations:
    @pytest.mark.parametrize(("plugins", "message"), DECLARATIONS.values(), ids=DECLARATIONS)
    def test_that_do_not_fit_together(self, plugins: Sequence[ModuleType], message: str) -> None:
        """Contradicting declarations stop the start, and the message names their plugins."""
        assert refusal(*plugins).startswith(message)

    def test_across_plugins(self) -> None:
        """A rule may be for another plugin's scope, whichever is loaded first."""
        one, two = a_plugin("a", parley_policies=[READ]), a_plugin("z", parley_participant_scopes=[a_scope()])
        accepted(one, two)
        accepted(two, one)


class TestPolicyPage:
    def test_shows_rules_and_routes(self) -> None:
        """The page has every rule, with whether keys may have its action, and every route with its guard."""
        rule = PolicyRule(
            action="things:say",
            roles=frozenset({"admin", "user"}),
            scope="thing",
            relations=frozenset({"helper"}),
            states=frozenset({"shut", "open"}),
        )
        host = FastAPI(openapi_url=None)
        host.get("/hello")(_answer)
        plugin = things(
            a_router("/{thing_id}", Guard("things:say"), websocket=True), parley_policies=[READ, OTHER, TOOL, rule]
        )
        lines = rendered(policy_of(accepted(plugin, host=host))).splitlines()
        assert "| things:say | thing | admin, user | helper | open, shut |  |" in lines
        assert "| others:read | other | every role | helper, subject |  |  |" in lines
        assert "| users:list |  | admin |  |  | yes |" in lines
        assert "| users:update |  | admin |  |  |  |" in lines
        assert "| WEBSOCKET | /v1/x/{thing_id} | things:say |  |" in lines
        assert "| GET | /hello |  |  |" in lines

    def test_is_the_same_for_the_same_policy(self) -> None:
        """The order of plugins and rules doesn't change the page, so that a check can compare it."""
        one, two = (
            a_plugin("one", parley_policies=[TOOL, a_rule("tools:mend", None)]),
            a_plugin("two", parley_policies=[]),
        )
        other = a_plugin("one", parley_policies=[a_rule("tools:mend", None), TOOL])
        assert rendered(policy_of(accepted(one, two))) == rendered(policy_of(accepted(two, other)))
