"""Every 4xx and 5xx is a problem (RFC 9457) that says what it must and nothing else."""

import logging
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import HTTPException
from pydantic import AfterValidator, Field

from parley_core import Router
from parley_core.errors import BusinessRuleError, FieldError
from parley_core.http.schemas import Body, Line
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client
from parley_core.testing.metrics import Metrics

SECRET = "hunter2"


class NoteClosed(BusinessRuleError):
    code = "note_closed"
    title = "The note is closed"


class Kind(StrEnum):
    SHORT = "short"


class Left(Body):
    side: Literal["left"]


class Right(Body):
    side: Literal["right"]


def _never(value: str) -> str:
    raise ValueError(value)


def _asserted(value: str) -> str:
    raise AssertionError(value)


class Quoted(Body):
    """Fields whose validation speaks of the input."""

    value: Annotated[str, AfterValidator(_never)] | None = None
    asserted: Annotated[str, AfterValidator(_asserted)] | None = None
    side: Annotated[Left | Right, Field(discriminator="side")] | None = None
    uuid: UUID | None = None
    kind: Kind | None = None
    number: int | None = None
    mapping: dict[str, int] | None = None
    pattern: Annotated[str, Field(pattern="^a$")] | None = None
    line: Annotated[Line, Field(max_length=3)] | None = None


router = Router(prefix="/notes", tag="notes")
other = Router(prefix="/notes", tag="others")


@router.get("/{note_id}")
async def read_note(note_id: str) -> str:
    return note_id


@other.delete("/{identifier}")
async def delete_note(identifier: str) -> str:
    return identifier


@other.patch("/mine")
async def change_mine() -> None: ...


@router.post("")
async def close_note(body: Quoted) -> None:
    field = FieldError("#/kind", "closed", "Is closed")
    raise NoteClosed("It was closed before", errors=[field], headers={"X-Closed": str(body.kind)})


@router.put("/crash")
async def crash() -> None:
    raise LookupError(SECRET)


@router.put("/raise/{status}")
async def raise_status(status: int) -> None:
    raise HTTPException(status, SECRET, headers={"WWW-Authenticate": "Bearer"})


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = an_application([core_settings], [a_plugin("notes", parley_routers=[router, other])])
    async with running_client(app, shown_errors=False) as client:
        yield client


class TestShape:
    async def test_all_members(self, client: httpx.AsyncClient) -> None:
        """A problem has every member of the contract, and the error's headers."""
        answer = await client.post("/v1/notes", json={"kind": "short"}, headers={"X-Request-ID": "trace-7"})
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-closed"] == "short"
        assert answer.json() == {
            "type": "urn:parley:problem:note_closed",
            "title": "The note is closed",
            "status": 400,
            "detail": "It was closed before",
            "instance": "urn:parley:request:trace-7",
            "code": "note_closed",
            "category": "business_rule",
            "request_id": "trace-7",
            "errors": [{"pointer": "#/kind", "code": "closed", "message": "Is closed"}],
        }

    async def test_counted(self, client: httpx.AsyncClient, metrics: Metrics) -> None:
        """Each is counted by its code, those of the framework too, and no answer that is none."""
        await client.post("/v1/notes", json={"kind": "short"})
        for _ in range(2):
            await client.get(f"/{SECRET}")
        await client.get("/healthz")
        assert metrics.value("parley.problems") == 3
        assert metrics.value("parley.problems", code="note_closed") == 1
        assert metrics.value("parley.problems", code="not_found") == 2


class TestFramework:
    async def test_no_route(self, client: httpx.AsyncClient) -> None:
        """An unknown address is a problem, and is not repeated."""
        for address in (f"/{SECRET}", f"/v1/{SECRET}/x", f"/v1/notes/a/{SECRET}"):
            answer = await client.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert answer.json()["category"] == "not_found"
            assert SECRET not in answer.text

    async def test_all_methods_in_allow(self, client: httpx.AsyncClient) -> None:
        """Allow names every method of the address, whichever routers and plugins bring them, and HEAD with GET."""
        allowed = {}
        for path in ("/v1/notes/5", "/v1/notes/mine", "/v1/notes", "/healthz"):
            answer = await client.request("TRACE", path)
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
            allowed[path] = answer.headers["allow"]
        assert allowed == {
            "/v1/notes/5": "DELETE, GET, HEAD",
            "/v1/notes/mine": "DELETE, GET, HEAD, PATCH",
            "/v1/notes": "POST",
            "/healthz": "GET, HEAD",
        }

    async def test_unexpected(self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
        """A crash answers its request id and nothing else; the log has the rest under the same id."""
        answer = await client.put("/v1/notes/crash", headers={"X-Request-ID": "trace-8"})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert (answer.json()["category"], answer.json()["request_id"]) == ("server", "trace-8")
        assert answer.headers["x-request-id"] == "trace-8"
        assert SECRET not in answer.text
        assert "LookupError" not in answer.text
        (record,) = [record for record in caplog.records if record.name == "parley.errors"]
        assert record.levelno == logging.ERROR
        assert "trace-8" in record.getMessage()
        assert record.exc_info is not None
        assert SECRET in str(record.exc_info[1])

    @pytest.mark.parametrize(
        ("status", "code", "category"),
        [
            (400, "validation_error", "validation"),
            (401, "http_401", "authentication"),
            (403, "http_403", "authorization"),
            (404, "not_found", "not_found"),
            (409, "http_409", "conflict"),
            (413, "payload_too_large", "validation"),
            (418, "http_418", "validation"),
            (502, "http_502", "server"),
            (599, "http_599", "server"),
        ],
        ids=str,
    )
    async def test_raised_by_number(self, client: httpx.AsyncClient, status: int, code: str, category: str) -> None:
        """A plugin that raises FastAPI's exception is answered with its status and headers, as a problem."""
        answer = await client.put(f"/v1/notes/raise/{status}")
        assert (answer.status_code, answer.json()["code"], answer.json()["category"]) == (status, code, category)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert SECRET not in answer.text


class TestValidation:
    @pytest.mark.parametrize(
        "body",
        [
            {"value": SECRET},
            {"asserted": SECRET},
            {"side": {"side": SECRET}},
            {"side": SECRET},
            {"uuid": SECRET},
            {"kind": SECRET},
            {"number": SECRET},
            {"mapping": {"a": SECRET}},
            {"mapping": {f"{SECRET} {SECRET}": "x"}},
            {"pattern": SECRET},
            {f"{SECRET} {SECRET}": 1},
        ],
        ids=[
            "value_error",
            "assertion_error",
            "tag",
            "model",
            "uuid",
            "enum",
            "number",
            "value",
            "key",
            "pattern",
            "field",
        ],
    )
    async def test_input_is_not_repeated(self, client: httpx.AsyncClient, body: dict[str, object]) -> None:
        """No message of pydantic's carries the input back."""
        answer = await client.post("/v1/notes", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        # The letters of a UUID are quoted one by one.
        assert SECRET not in answer.text
        assert "`h`" not in answer.text

    async def test_useful_messages(self, client: httpx.AsyncClient) -> None:
        """What is expected is said."""
        answer = await client.post("/v1/notes", json={"kind": "x", "number": "x", "pattern": "b", "line": "abcd"})
        assert [(error["pointer"], error["message"]) for error in answer.json()["errors"]] == [
            ("#/kind", "Input should be 'short'"),
            ("#/number", "Input should be a valid integer, unable to parse string as an integer"),
            ("#/pattern", "String should match pattern '^a$'"),
            ("#/line", "Value should have at most 3 characters"),
        ]
