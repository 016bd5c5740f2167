"""What a body may use up: bytes, seconds, values, and room in the answer that refuses it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, Form, Header, Query, Request
from pydantic import BaseModel, Field

from parley_core import Router
from parley_core.errors import AuthenticationError, FieldError, ValidationError
from parley_core.http.schemas import Body, Line
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client
from parley_core.testing.streams import served

KNOWN = {"x-caller": "ada"}
AS_FORM = {"content-type": "application/x-www-form-urlencoded"}
AS_JSON = {"content-type": "application/json"}
MOST = 20
ROOM = 8 * 1024


class Unknown(AuthenticationError):
    code = "unknown_caller"
    title = "Say who you are"


class Guest(Body):
    """An item of a list."""

    name: Line
    seat: int = 0


class Dinner(Body):
    """A body with an inner list, and one that takes any names."""

    title: Line
    guests: list[Guest] = Field(default_factory=list, max_length=100)
    wishes: dict[str, Any] = Field(default_factory=dict)


class Loose(BaseModel):
    """A body that isn't a `Body`."""

    numbers: list[int]


class DinnerQuery(BaseModel):
    """Single-valued and repeatable parameters."""

    limit: int = 1
    kind: list[str] = Field(default_factory=list)
    place: Annotated[list[str] | None, Field()] = None


class Menu(Body):
    """A form."""

    name: str
    courses: list[str] = Field(default_factory=list)


async def guard(request: Request) -> None:
    if request.headers.get("x-caller") != "ada":
        raise Unknown


router = Router(prefix="/dinners", tag="dinners")
small = Router(prefix="/toasts", tag="toasts", small_bodies=True)
Guarded = [Depends(guard)]


@router.post("", dependencies=Guarded)
async def create_dinner(body: Dinner) -> str:
    return body.title


@router.get("", dependencies=Guarded)
async def list_dinners(query: Annotated[DinnerQuery, Query()]) -> list[str]:
    return [str(query.limit), *query.kind, *(query.place or [])]


@router.get("/wine", dependencies=Guarded)
async def read_wine(
    year: Annotated[str, Header(alias="Year")] = "", tag: Annotated[list[str] | None, Header(alias="Tag")] = None
) -> list[str]:
    return [year, *(tag or [])]


@router.post("/loose", dependencies=Guarded)
async def create_loose(body: Loose) -> int:
    return len(body.numbers)


@router.post("/menu", dependencies=Guarded)
async def create_menu(menu: Annotated[Menu, Form()]) -> list[str]:
    return [menu.name, *menu.courses]


@router.post("/closed", dependencies=Guarded)
async def close(request: Request) -> int:
    """Takes no body, but may look at what was sent."""
    return len(await request.body())


@router.post("/rules", dependencies=Guarded)
async def break_rules() -> None:
    raise ValidationError(errors=[FieldError(f"#/{n}", "rule", "x" * 1000) for n in range(100)])


@small.post("")
async def toast(body: Guest) -> str:
    return body.name


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    settings = core_settings.model_copy(update={"body_seconds": 0.2})
    app = an_application([settings], [a_plugin("dinners", parley_routers=[router, small])])
    async with running_client(app) as client:
        yield client


def padded(size: int) -> bytes:
    return b'{"title":"t","name":"n"}'.ljust(size)


async def endless(*chunks: bytes) -> AsyncIterator[bytes]:
    """A body of which no more arrives after these chunks."""
    for chunk in chunks:
        yield chunk
    await asyncio.Event().wait()


async def sent(client: httpx.AsyncClient, path: str, content: Any, **headers: str) -> httpx.Response:
    return await client.post(f"/v1{path}", content=content, headers={**AS_JSON, **KNOWN, **headers})


def entries(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    assert len(answer.content) <= ROOM
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


class TestBytes:
    @pytest.mark.parametrize(("path", "most"), [("/toasts", 4096), ("/dinners/closed", 256 * 1024)])
    async def test_limit(self, client: httpx.AsyncClient, path: str, most: int) -> None:
        """A body of the limit is taken; one byte more is 413, which names the limit and closes the connection."""
        body = padded(most) if path == "/dinners/closed" else b'{"name":"n"}'.ljust(most)
        assert (await sent(client, path, body)).status_code == 200
        answer = await sent(client, path, body + b" ")
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert f"{most:,} bytes" in answer.json()["detail"]
        assert answer.headers["connection"] == "close"

    async def test_announced(self, client: httpx.AsyncClient) -> None:
        """Of a body whose length is announced as too large nothing is read."""

        async def never() -> AsyncIterator[bytes]:
            raise AssertionError("the body was read")
            yield b""

        answer = await sent(client, "/dinners", never(), **{"content-length": "300000000"})
        assert answer.status_code == 413

    async def test_guard_first(self, client: httpx.AsyncClient) -> None:
        """Without identity a body that is too large, or never ends, is 401, and the connection is closed as well."""
        for content in (padded(256 * 1024 + 1), endless(b"{")):
            answer = await client.post("/v1/dinners", content=content, headers=AS_JSON)
            assert (answer.status_code, answer.headers["connection"]) == (401, "close")
        answer = await client.post("/v1/dinners", content=b"{", headers=AS_JSON)
        assert (answer.status_code, "connection" in answer.headers) == (401, False)

    async def test_connection_ends(self, core_settings: CoreSettings) -> None:
        """A server reads no further: it answers and closes while the body is still being sent."""
        app = an_application([core_settings], [a_plugin("dinners", parley_routers=[router])])
        async with served(app) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            head = b"POST /v1/dinners HTTP/1.1\r\nHost: x\r\nX-Caller: ada\r\nContent-Length: 300000000\r\n\r\n"
            writer.write(head)
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()
        assert answer.startswith(b"HTTP/1.1 413 ")


class TestSeconds:
    @pytest.mark.parametrize("content", [(), (b"{",), (b'{"title"', b":")], ids=len)
    async def test_trickle(self, client: httpx.AsyncClient, content: tuple[bytes, ...]) -> None:
        """A body that doesn't end in time is 408, and the connection is closed."""
        async with asyncio.timeout(10):
            answer = await sent(client, "/dinners", endless(*content))
        assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
        assert answer.headers["connection"] == "close"

    async def test_time_for_the_database(self, core_settings: CoreSettings) -> None:
        """A slow body takes nothing from the time of the database work."""
        settings = core_settings.model_copy(update={"request_timeout_seconds": 0.3})
        app = an_application([settings], [a_plugin("dinners", parley_routers=[left_router])])

        async def slow() -> AsyncIterator[bytes]:
            yield b'{"title":'
            await asyncio.sleep(0.2)
            yield b'"t"}'

        async with running_client(app) as client:
            assert float((await sent(client, "/left", slow())).text) > 0.15


left_router = Router(prefix="/left", tag="left")


@left_router.post("")
async def time_left(body: Dinner) -> float:
    from parley_core.data.deadline import remaining  # noqa: PLC0415

    return remaining() or 0.0


class TestKeys:
    @pytest.mark.parametrize(
        ("text", "pointers"),
        [
            ('{"title":"a","title":"a"}', ["#/title"]),
            ('{"title":"a","t\\u0069tle":"b"}', ["#/title"]),
            ('{"title":"a","title" :"b"}', ["#/title"]),
            ('{"title":"a: b","wishes":{"a":{"b":[1,{"c":1,"c":2}]}}}', ["#/wishes/a/b/1/c"]),
            (
                '{"title":"a","guests":[{"name":"a"},{"name":"b","name":"c"}],"title":"z"}',
                ["#/guests/1/name", "#/title"],
            ),
            ('{"title":"a","wishes":{"é":1,"é":1}}', ["#/wishes/?"]),
            ('{"title":"a","wishes":{"a":{},"a":{"b":1,"b":2}}}', ["#/wishes/a", "#/wishes/a/b"]),
        ],
    )
    async def test_repeated(self, client: httpx.AsyncClient, text: str, pointers: list[str]) -> None:
        """A key that is given twice is 400 at any depth, and is pointed at."""
        found = entries(await sent(client, "/dinners", text.encode()))
        assert found == [(pointer, "duplicate_key") for pointer in pointers]

    @pytest.mark.parametrize(
        "text",
        ['{"title":"a:b:c"}', '{"title":"\\":\\""}', '{"title":"a","wishes":{"a":{"a":":"},"b":[{"a":1},{"a":1}]}}'],
    )
    async def test_taken(self, client: httpx.AsyncClient, text: str) -> None:
        """Colons in texts, and the same key in different objects, are no repetition."""
        assert (await sent(client, "/dinners", text.encode())).status_code == 200

    async def test_form(self, client: httpx.AsyncClient) -> None:
        """A form's parameter that is given twice is 400, unless it takes a list."""
        given = {**AS_FORM, **KNOWN}
        answer = await client.post("/v1/dinners/menu", content=b"name=a&courses=b&courses=c", headers=given)
        assert answer.json() == ["a", "b", "c"]
        answer = await client.post("/v1/dinners/menu", content=b"name=a&courses=b&name=a", headers=given)
        assert entries(answer) == [("#/name", "duplicate_key")]

    async def test_query(self, client: httpx.AsyncClient) -> None:
        """A parameter of one value that is given twice is 400 and named; lists are repeated."""
        answer = await client.get("/v1/dinners?limit=1&kind=a&kind=b&place=c&place=d", headers=KNOWN)
        assert answer.json() == ["1", "a", "b", "c", "d"]
        for query in ("limit=1&limit=1", "limit=1&kind=a&limit=2", "limit=1&%6cimit=1", "limit=&limit=1"):
            answer = await client.get(f"/v1/dinners?{query}", headers=KNOWN)
            assert entries(answer) == [("?limit", "repeated_parameter")]
            assert answer.json()["code"] == "validation_error"
        assert (await client.get("/v1/dinners?limit=1&limit=1")).status_code == 401


class TestRepeatedHeaders:
    async def test_of_one_value(self, client: httpx.AsyncClient) -> None:
        """A header of one value that is sent twice is 400 and named, whatever its case; lists have several lines."""
        taken = await client.get(
            "/v1/dinners/wine", headers=[*KNOWN.items(), ("Year", "1"), ("Tag", "a"), ("Tag", "b")]
        )
        assert taken.json() == ["1", "a", "b"]
        for second in ("Year", "year"):
            headers = [*KNOWN.items(), ("Year", "1"), (second, "1")]
            answer = await client.get("/v1/dinners/wine", headers=headers)
            assert entries(answer) == [("?Year", "repeated_parameter")]
            assert (await client.get("/v1/dinners/wine", headers=headers[1:])).status_code == 401

    async def test_of_no_parameter(self, client: httpx.AsyncClient) -> None:
        """Headers that the route doesn't take are nobody's business."""
        headers = [*KNOWN.items(), ("Accept", "a"), ("Accept", "b")]
        assert (await client.get("/v1/dinners/wine", headers=headers)).status_code == 200


def nested(levels: int) -> bytes:
    """A body whose deepest list is so many levels down."""
    return b'{"title":"t","wishes":{"a":' + b"[" * (levels - 2) + b"]" * (levels - 2) + b"}}"


def object_of(count: int, key: str = "k{}") -> dict[str, int]:
    return {key.format(n): 1 for n in range(count)}


class TestAnswers:
    """No refused body is answered with much, whatever it contains."""

    @pytest.mark.parametrize(
        ("body", "first", "count"),
        [
            pytest.param({"title": "t", **object_of(30)}, ("#/k0", "extra_forbidden"), MOST, id="thirty"),
            pytest.param({"title": "t", **object_of(101)}, ("#", "too_many_errors"), 1, id="hundred"),
            pytest.param({"title": "t", **object_of(999)}, ("#", "too_many_errors"), 1, id="values"),
            pytest.param({"title": "t", **object_of(1000)}, ("#", "too_many_values"), 1, id="too_many_values"),
            pytest.param({"title": "t", **object_of(15_000)}, ("#", "too_many_values"), 1, id="fifteen_thousand"),
            pytest.param(object_of(30, "k" * 5000 + "{}"), ("#/title", "missing"), MOST, id="long_keys"),
            pytest.param({"title": 1, "guests": [{}] * 99}, ("#/title", "string_type"), MOST, id="wrong_items"),
            pytest.param(
                {"title": 1, "guests": [object_of(9)] * 99}, ("#", "too_many_errors"), 1, id="unknown_in_items"
            ),
            pytest.param({"title": 1, "guests": [1] * 101}, ("#/title", "string_type"), 2, id="too_long_a_list"),
        ],
    )
    async def test_errors(
        self, client: httpx.AsyncClient, body: dict[str, Any], first: tuple[str, str], count: int
    ) -> None:
        """At most 20 errors are named, in less than 8 KB."""
        found = entries(await sent(client, "/dinners", json.dumps(body).encode()))
        assert (found[0], len(found)) == (first, count)

    async def test_levels(self, client: httpx.AsyncClient) -> None:
        """180 levels are taken, 181 are not."""
        assert (await sent(client, "/dinners", nested(180))).status_code == 200
        assert entries(await sent(client, "/dinners", nested(181))) == [("#", "too_deep")]

    @pytest.mark.parametrize(
        "text",
        [
            b"[" + b"," * 1001 + b'"' + b'\\"' * 100_000,
            b"[" + b"," * 1001 + b'"' + b"\\" * 200_001,
            b"[" + b"," * 1001 + b'""' * 100_000,
            b"[" + b"," * 1001 + b"x" * 200_000,
        ],
        ids=["endless_string", "endless_escapes", "strings", "text"],
    )
    async def test_broken(self, client: httpx.AsyncClient, text: bytes) -> None:
        """Whatever the text is made of, it takes no longer to refuse than to read."""
        async with asyncio.timeout(5):
            assert len(entries(await sent(client, "/dinners", text))) == 1

    async def test_foreign_models(self, client: httpx.AsyncClient) -> None:
        """Bodies of other classes are bounded too."""
        found = entries(await sent(client, "/dinners/loose", json.dumps({"numbers": ["x"] * 900}).encode()))
        assert (found[0], len(found)) == (("#/numbers/0", "int_parsing"), MOST)

    async def test_long_messages(self, client: httpx.AsyncClient) -> None:
        """Errors of a rule are left out where there is no more room for them."""
        assert 1 <= len(entries(await sent(client, "/dinners/rules", b""))) < MOST

    @pytest.mark.parametrize("name", ["limit", "kind", "x" * 300, "%ff"])
    async def test_queries(self, client: httpx.AsyncClient, name: str) -> None:
        """Thousands of parameters are one error, after the guard."""
        query = "&".join([f"{name}=x"] * (5000 if len(name) < 10 else 202))
        assert entries(await client.get(f"/v1/dinners?{query}", headers=KNOWN)) == [("?", "too_many_parameters")]
        assert (await client.get(f"/v1/dinners?{query}")).status_code == 401

    async def test_many_parameters(self, client: httpx.AsyncClient) -> None:
        """As many as a person would ever send are read."""
        query = "&".join(["kind=x"] * 200)
        assert len((await client.get(f"/v1/dinners?{query}", headers=KNOWN)).json()) == 201

    async def test_setting(self, core_settings: CoreSettings) -> None:
        """The numbers are settings."""
        changes = {"errors_per_answer": 3, "body_values": 100, "body_bytes": 2048, "small_body_bytes": 1024}
        settings = core_settings.model_copy(update=changes)
        app = an_application([settings], [a_plugin("dinners", parley_routers=[router, small])])
        async with running_client(app) as client:
            assert len(entries(await sent(client, "/dinners", json.dumps(object_of(30)).encode()))) == 3
            assert (
                entries(await sent(client, "/dinners", json.dumps(object_of(101)).encode()))[0][1] == "too_many_values"
            )
            assert (await sent(client, "/dinners", padded(2049))).status_code == 413
            assert (await sent(client, "/toasts", padded(1025))).status_code == 413
