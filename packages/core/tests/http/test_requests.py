"""The id of a request and its line in the log."""

import io
import json
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Request, WebSocket
from starlette.types import Message

from parley_core import Router, request_id_of
from parley_core.kernel.settings import CoreSettings
from parley_core.log_format import JsonFormatter, TextFormatter
from parley_core.testing import a_plugin, an_application, running_client
from parley_core.testing.log_lines import lines_of

router = Router(prefix="/notes", tag="notes")
inner = Router(prefix="/{note_id}/files", tag="files")


@router.get("/{note_id}")
async def read_note(note_id: str, request: Request) -> str:
    if note_id == "logged":
        logging.getLogger("plain").warning("meanwhile")
    if note_id == "crash":
        raise LookupError
    return request_id_of(request.scope)


@inner.get("/{path:path}")
async def read_file(note_id: str, path: str) -> str:
    return note_id + path


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(request_id_of(websocket.scope))
    await websocket.close()


router.include_router(inner)


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = an_application([core_settings], [a_plugin("notes", parley_routers=[router])])
    async with running_client(app, shown_errors=False) as client:
        yield client


class TestRequestId:
    async def test_kept(self, client: httpx.AsyncClient) -> None:
        """A caller's own id goes through to the endpoint, into the answer and into problems."""
        given = {"X-Request-ID": "Trace_1.a-" + "x" * 54}
        answer = await client.get("/v1/notes/5", headers=given)
        assert answer.json() == answer.headers["x-request-id"] == given["X-Request-ID"]
        answer = await client.get("/nothing", headers=given)
        assert answer.json()["request_id"] == answer.headers["x-request-id"] == given["X-Request-ID"]

    @pytest.mark.parametrize(
        "given", ["", "x" * 65, "a b", "a\nb", "é", "<b>", "a,b"], ids=lambda given: ascii(given)[:8]
    )
    async def test_replaced(self, client: httpx.AsyncClient, given: str) -> None:
        """What could forge a log line or a header is not kept."""
        answer = await client.get("/v1/notes/5", headers=[(b"x-request-id", given.encode())])
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        assert answer.json() == answer.headers["x-request-id"]

    async def test_made(self, client: httpx.AsyncClient) -> None:
        """Each request without one gets its own."""
        ids = {(await client.get("/v1/notes/5")).headers["x-request-id"] for _ in range(5)}
        assert len(ids) == 5


class TestWebSockets:
    async def test_pass(self, core_settings: CoreSettings) -> None:
        """A WebSocket has an id like a request, and its messages go through untouched."""
        app = an_application([core_settings], [a_plugin("notes", parley_routers=[router])])
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"x-request-id", b"trace-7")]
        scope = {"type": "websocket", "path": "/v1/notes/live", "headers": headers, "query_string": b"", "app": app}
        await app(scope, receive, send)
        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
        assert sent[1]["text"] == "trace-7"


# How a request is sent, and what its line says.
LINES = {
    "query": ("GET", "/v1/notes/5?token=hunter2", "GET /v1/notes/{note_id} 400"),
    "value_like_a_path": ("GET", "/v1/notes/notes", "GET /v1/notes/{note_id} 200"),
    "deep_path": ("GET", "/v1/notes/5/files/a/hunter2/c", "GET /v1/notes/{note_id}/files/{path} 200"),
    "method": ("PUT", "/v1/notes/hunter2", "PUT /v1/notes/{note_id} 405"),
    "crash": ("GET", "/v1/notes/crash", "GET /v1/notes/{note_id} 500"),
    "no_route": ("GET", "/hunter2/x", "GET - 404"),
    "probe_that_fails": ("GET", "/healthz?token=hunter2", "GET /healthz 400"),
}


class TestLog:
    @pytest.mark.parametrize("name", LINES)
    async def test_template(self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, name: str) -> None:
        """A line names the route and not the address, which may contain tokens and names."""
        caplog.set_level(logging.INFO, "parley.access")
        method, path, expected = LINES[name]
        answer = await client.request(method, path)
        (text,) = [record.getMessage() for record in caplog.records if record.name == "parley.access"]
        request_id = answer.headers["x-request-id"]
        assert re.fullmatch(rf"{re.escape(expected)} \d+\.\dms request_id={request_id}", text)
        [line] = lines_of(caplog.records, "parley.access")
        assert f"{line['method']} {line['route']} {line['status']}" == expected
        assert (line["event"], line["level"], line["request_id"]) == ("request", "INFO", request_id)
        assert line["ms"] >= 0

    async def test_what_is_logged_meanwhile(self, client: httpx.AsyncClient) -> None:
        """Whatever is logged while a request is answered has its id in it, and what is logged later has none."""
        written = io.StringIO()
        handlers = logging.StreamHandler(written), logging.StreamHandler(written)
        for handler, formatter in zip(handlers, (JsonFormatter(), TextFormatter()), strict=True):
            handler.setFormatter(formatter)
            logging.getLogger("plain").addHandler(handler)
        try:
            await client.get("/v1/notes/logged", headers={"X-Request-ID": "trace-7"})
            logging.getLogger("plain").warning("later")
        finally:
            for handler in handlers:
                logging.getLogger("plain").removeHandler(handler)
        line, text, later_line, later = written.getvalue().splitlines()
        assert json.loads(line)["request_id"] == "trace-7"
        assert text.endswith(": meanwhile request_id=trace-7")
        assert "request_id" not in later_line
        assert later.endswith(": later")

    async def test_switched_off(self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
        """Without the level there is no line."""
        caplog.set_level(logging.WARNING, "parley.access")
        await client.get("/v1/notes/5")
        assert not [record for record in caplog.records if record.name == "parley.access"]
