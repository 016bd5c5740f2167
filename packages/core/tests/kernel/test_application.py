"""`Parley`: mounting, starting, stopping, and living beside a host's own application or another Parley."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import SecretStr

from parley_core import Parley, ParleyDep, Router, StartupError
from parley_core.errors import PreconditionFailed, raises
from parley_core.http.schemas import Body
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class Note(Body):
    """A body."""

    text: str


def a_router(prefix: str = "/notes") -> Router:
    router = Router(prefix=prefix, tag="notes")

    @router.get("")
    async def list_notes(parley: ParleyDep) -> dict[str, str]:
        return {"database": parley.database.name}

    @router.post("")
    @raises(PreconditionFailed)
    async def create_note(body: Note) -> None:
        raise PreconditionFailed(str(len(body.text)))

    return router


def notes(**hooks: object) -> ModuleType:
    return a_plugin("notes", **{"parley_routers": [a_router()], **hooks})


def logging_lifespan(name: str, log: list[str], *, fails: bool = False) -> Lifespan:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        if fails:
            raise LookupError("no such thing")
        log.append(f"{name} starts")
        try:
            yield
        finally:
            log.append(f"{name} stops")

    return lifespan


async def refusal(app: FastAPI) -> str:
    with pytest.raises(StartupError) as failure:
        async with app.router.lifespan_context(app):
            pass
    return str(failure.value)


class TestLifespan:
    async def test_left_in_reverse_order(self, core_settings: CoreSettings) -> None:
        """Plugins start in the order of their names and stop in reverse."""
        log: list[str] = []
        plugins = [a_plugin(name, parley_lifespan=logging_lifespan(name, log)) for name in ("b", "c", "a")]
        async with Parley([core_settings], plugins=plugins).running():
            assert log == ["a starts", "b starts", "c starts"]
        assert log[3:] == ["c stops", "b stops", "a stops"]

    async def test_lifespan_raises(self, core_settings: CoreSettings) -> None:
        """The plugin at fault is named, and those that had started are stopped."""
        log: list[str] = []
        plugins = [
            a_plugin("a", parley_lifespan=logging_lifespan("a", log)),
            a_plugin("b", parley_lifespan=logging_lifespan("b", log, fails=True)),
        ]
        parley = Parley([core_settings], plugins=plugins)
        with pytest.raises(StartupError) as failure:
            async with parley.running():
                raise AssertionError("it started")
        assert str(failure.value) == "plugin 'b': its lifespan raised LookupError: no such thing"
        assert log == ["a starts", "a stops"]

    async def test_own_words(self, core_settings: CoreSettings) -> None:
        """A `StartupError` of a lifespan is reported as it is."""

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            raise StartupError("the moon is full")
            yield

        with pytest.raises(StartupError, match=r"^the moon is full$"):
            async with Parley([core_settings], plugins=[a_plugin("a", parley_lifespan=lifespan)]).running():
                pass

    async def test_what_is_no_lifespan(self, core_settings: CoreSettings) -> None:
        """Something that can't be entered is the plugin's mistake."""
        with pytest.raises(StartupError, match="plugin 'a': its lifespan raised TypeError"):
            async with Parley([core_settings], plugins=[a_plugin("a", parley_lifespan=42)]).running():
                pass

    async def test_database_only_while_running(self, core_settings: CoreSettings) -> None:
        """Before and after, there is no database; a second run has one again."""
        parley = Parley([core_settings], plugins=[notes()])
        for _ in range(2):
            with pytest.raises(RuntimeError, match="open only inside"):
                _ = parley.database
            async with parley.running():
                assert (await parley.client.admin.command("ping"))["ok"] == 1
                assert parley.data_dir is None

    async def test_provided_things(self) -> None:
        """What a plugin provides is found by its class, by all of this application and by no other."""
        parley, other = (Parley(plugins=[notes()]) for _ in range(2))
        parley.provide(Note(text="here"))
        assert parley.require(Note).text == "here"
        with pytest.raises(StartupError, match=r"service .*\.Note isn't there: the plugin of package .* should"):
            other.require(Note)


class TestAnnounce:
    def test_default(self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
        """A library prints nothing: what the start announces goes to its log."""
        Parley(plugins=[notes()]).announce("One-time password: hunter2")
        assert caplog.record_tuples == [("parley.start", logging.WARNING, "One-time password: hunter2")]
        assert capsys.readouterr() == ("", "")

    def test_percent(self, caplog: pytest.LogCaptureFixture) -> None:
        """An announcement is text, no template."""
        Parley(plugins=[notes()]).announce("100%s sure")
        assert caplog.messages == ["100%s sure"]

    def test_given(self) -> None:
        """Whoever starts the application may read it elsewhere."""
        heard: list[str] = []
        Parley(plugins=[notes()], announce=heard.append).announce("hello")
        assert heard == ["hello"]


class TestVerify:
    async def test_hook_is_asked(self, core_settings: CoreSettings) -> None:
        """Every plugin sees the composed application and all its routes, before it starts and when it runs."""
        seen: list[str | None] = []

        def parley_verify(parley: Parley, routes: list[Request]) -> None:
            assert isinstance(parley, Parley)
            seen.extend(getattr(route, "path", None) for route in routes)

        async with running_client(an_application([core_settings], [notes(parley_verify=parley_verify)])) as client:
            await client.get("/v1/notes")
        assert seen == ["/v1/notes", "/v1/notes", "/healthz", "/readyz"] * 2

    async def test_hook_refuses(self, core_settings: CoreSettings) -> None:
        """A plugin's refusal stops the start, before anything is done to the database."""

        def parley_verify(parley: Parley) -> None:
            raise ValueError(f"not sound: {type(parley).__name__}")

        message = await refusal(an_application([core_settings], [notes(parley_verify=parley_verify)]))
        assert message == "plugin 'notes': hook 'parley_verify' raised ValueError: not sound: Parley"

    async def test_again(self) -> None:
        """A second check, after one that was refused too, makes what the first made anew."""
        refused = [True, False, False]

        def parley_verify(parley: Parley) -> None:
            parley.provide(Note(text="made"))
            if refused.pop(0):
                raise StartupError("the moon is full")

        parley = Parley(plugins=[notes(parley_verify=parley_verify)], unguarded=True)
        parley.mount(app := FastAPI())
        with pytest.raises(StartupError, match="the moon is full"):
            parley.verify(app)
        for _ in range(2):
            parley.verify(app)
        assert parley.require(Note).text == "made"

    async def test_not_mounted(self, core_settings: CoreSettings) -> None:
        """An application that nobody mounted Parley on would serve unchecked, or nothing."""
        parley = Parley([core_settings], plugins=[notes()])
        assert "call parley.mount(app)" in await refusal(FastAPI(lifespan=parley.lifespan))

    async def test_another_parley_is_mounted(self, core_settings: CoreSettings) -> None:
        """Of two that were mounted on one application the first is not served."""
        parley, other = (Parley([core_settings], plugins=[notes()]) for _ in range(2))
        app = FastAPI(lifespan=parley.lifespan)
        parley.mount(app)
        other.mount(app)
        assert "call parley.mount(app)" in await refusal(app)


class TestTwoApplications:
    async def test_each_has_its_own(self, core_settings: CoreSettings, mongodb_uri: str) -> None:
        """Two applications of one process share plugins and routers, but neither settings nor database nor client."""
        plugin = notes()
        others = CoreSettings(
            mongodb_uri=SecretStr(mongodb_uri), mongodb_database=f"{core_settings.mongodb_database}_b"
        )
        one, two = an_application([core_settings], [plugin]), an_application([others], [plugin])
        async with running_client(one) as first, running_client(two) as second:
            answers = [(await client.get("/v1/notes")).json()["database"] for client in (first, second)]
            assert one.state.parley.client is not two.state.parley.client
        assert answers == [core_settings.mongodb_database, others.mongodb_database]


def a_host(settings: CoreSettings) -> FastAPI:
    """A foreign application with routes of its own, on which Parley is mounted."""
    parley = Parley([settings], plugins=[notes()], unguarded=True)
    app = FastAPI(lifespan=parley.lifespan)

    @app.get("/own/{number}")
    async def own(number: int) -> int:
        if number > 9:
            raise HTTPException(418, "only digits")
        return 10 // number

    @app.get("/own-precondition")
    async def own_precondition() -> None:
        raise PreconditionFailed

    parley.mount(app)
    return app


class TestHost:
    """A FastAPI application that reuses a module keeps its own manners."""

    async def test_both_work(self, core_settings: CoreSettings) -> None:
        """The host's routes and the plugin's answer side by side, and one document describes both."""
        async with running_client(a_host(core_settings)) as client:
            assert (await client.get("/own/5")).json() == 2
            assert (await client.get("/v1/notes")).json() == {"database": core_settings.mongodb_database}
            schema = (await client.get("/openapi.json")).json()
        assert "422" in schema["paths"]["/own/{number}"]["get"]["responses"]
        assert "HTTPValidationError" in schema["components"]["schemas"]
        assert "422" not in schema["paths"]["/v1/notes"]["post"]["responses"]

    @pytest.mark.parametrize(
        ("path", "status", "detail"),
        [
            pytest.param("/own/x", 422, None, id="validation"),
            pytest.param("/own/10", 418, "only digits", id="http_exception"),
            pytest.param("/missing", 404, "Not Found", id="no_route"),
        ],
    )
    async def test_own_errors_stay(
        self, core_settings: CoreSettings, path: str, status: int, detail: str | None
    ) -> None:
        """What the host's routes answered before Parley was mounted they answer after."""
        async with running_client(a_host(core_settings)) as client:
            answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        assert detail is None or answer.json() == {"detail": detail}

    async def test_own_handlers_stay(self, core_settings: CoreSettings) -> None:
        """Handlers that the host registered, before or after, plain or async, go on for its routes, and only there."""
        app = a_host(core_settings)

        @app.exception_handler(RequestValidationError)
        async def on_validation(request: Request, error: Exception) -> JSONResponse:
            return JSONResponse({"own": request.url.path, "error": type(error).__name__}, 499)

        late = a_host(core_settings)
        late.exception_handlers[HTTPException] = on_http = lambda *_: PlainTextResponse("own words", 499)
        early = FastAPI(lifespan=(parley := Parley([core_settings], plugins=[notes()], unguarded=True)).lifespan)
        early.add_exception_handler(HTTPException, on_http)
        early.add_exception_handler(404, on_http)
        parley.mount(early)
        async with running_client(app) as client:
            assert (await client.get("/own/x")).json() == {"own": "/own/x", "error": "RequestValidationError"}
        async with running_client(late) as client:
            assert (await client.get("/own/10")).text == "own words"
        async with running_client(early) as client:
            assert (await client.get("/nothing")).text == "own words"

    async def test_ours_answer_problems(self, core_settings: CoreSettings) -> None:
        """Errors in a plugin's route, or where Parley's routes are, are problems, and so are Parley's own anywhere."""
        async with running_client(a_host(core_settings)) as client:
            answers = [
                await client.post("/v1/notes", json={}),
                await client.put("/v1/notes"),
                await client.get("/v1/missing"),
                await client.get("/own-precondition"),
            ]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [
            (400, "validation_error"),
            (405, "method_not_allowed"),
            (404, "not_found"),
            (412, "precondition_failed"),
        ]

    async def test_unexpected_error(self, core_settings: CoreSettings) -> None:
        """A crash in the host's route answers a problem where the host has no handler of its own."""
        async with running_client(a_host(core_settings), shown_errors=False) as client:
            answer = await client.get("/own/0")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")

    @pytest.mark.parametrize("key", [Exception, 500], ids=["class", "status"])
    async def test_own_crash_handler(self, core_settings: CoreSettings, key: type[Exception] | int) -> None:
        """The host's handler for crashes goes on for its routes."""
        parley = Parley([core_settings], plugins=[notes()], unguarded=True)
        app = FastAPI(lifespan=parley.lifespan)

        @app.exception_handler(key)
        async def on_crash(request: Request, error: Exception) -> PlainTextResponse:
            return PlainTextResponse(f"{request.url.path} {type(error).__name__}", 500)

        @app.get("/crash")
        async def crash(divisor: Annotated[int, Query()] = 0) -> float:
            return 1 / divisor

        parley.mount(app)
        async with running_client(app, shown_errors=False) as client:
            assert (await client.get("/crash")).text == "/crash ZeroDivisionError"

    async def test_behind_a_prefix(self, core_settings: CoreSettings) -> None:
        """Under a proxy's prefix addresses, methods and errors are found as without one."""
        app = an_application([core_settings], [notes()])
        app.root_path = "/api"
        async with running_client(app) as client:
            assert (await client.get("/api/v1/notes")).status_code == 200
            assert (await client.put("/api/v1/notes")).headers["allow"] == "GET, HEAD, POST"


async def test_router_without_version(core_settings: CoreSettings) -> None:
    """A router whose address a standard fixes is mounted at the root, and answers like the others."""
    router = Router(prefix="/.well-known", tag="notes", versioned=False)

    @router.get("/notes.json")
    async def read_known_notes() -> dict[str, str]:
        return {"notes": "none"}

    app = an_application([core_settings], [notes(parley_routers=[a_router(), router])])
    async with running_client(app) as client:
        assert (await client.get("/.well-known/notes.json")).json() == {"notes": "none"}
        assert (await client.get("/.well-known/notes.json?x=1")).json()["code"] == "validation_error"
        assert (await client.get("/v1/.well-known/notes.json")).status_code == 404
        assert (await client.get("/v1/notes")).status_code == 200


async def test_client_of_a_started_application(core_settings: CoreSettings) -> None:
    """The client of the tests speaks to the application that it starts."""
    async with running_client(an_application([core_settings], [notes()])) as client:
        assert isinstance(client, httpx.AsyncClient)
        assert (await client.get("/healthz")).json() == {"status": "ok"}
