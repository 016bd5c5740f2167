"""Requests: checked in the contract's order, read strictly, and never answered with what they contained."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from counts import rounds
from fastapi import Depends, Form, HTTPException, Query, Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from parley_core import Page, PageQuery, PagerDep, ParleyDep, Router, parse_id
from parley_core.errors import AuthenticationError, NotFoundError
from parley_core.http.schemas import Body, Instant, Line, Paragraphs, WholeNumber
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

KNOWN = {"x-caller": "ada"}
MAX_BODY_BYTES = 256 * 1024
SECRET = "hunter2!"


class Unknown(AuthenticationError):
    code = "unknown_caller"
    title = "Say who you are"


class NoteNotFound(NotFoundError):
    code = "note_not_found"
    title = "There is no such note"


class Place(Body):
    """A nested body."""

    name: Line
    floor: WholeNumber = 0


class Note(Body):
    """One field of each kind."""

    title: Line
    text: Paragraphs | None = None
    at: Instant | None = None
    count: WholeNumber = 0
    stars: Annotated[int, Field(ge=0, le=5)] = 0
    ratio: float | None = None
    kind: Literal["short", "long"] = "short"
    key: UUID | None = None
    labels: list[Line] = Field(default_factory=list)
    places: dict[Line, Place] | None = None


class NoteQuery(PageQuery):
    """A list's query."""

    kind: Annotated[list[Literal["short", "long"]], Field(max_length=5, default_factory=list)]
    at: Instant | None = None


async def guard(request: Request) -> None:
    if request.headers.get("x-caller") != "ada":
        raise Unknown
    if note_id := request.path_params.get("note_id"):
        parse_id(note_id)
        raise NoteNotFound


async def foreign_guard(request: Request) -> None:
    """Refuses as plain FastAPI code does."""
    if "x-caller" not in request.headers:
        raise HTTPException(403, SECRET)


router = Router(prefix="/notes", tag="notes")
Guarded = Depends(guard)


@router.post("", dependencies=[Guarded])
async def create_note(body: Note, parley: ParleyDep) -> str:
    """Stores whatever is accepted, so that what the driver can't store would show."""
    document = {"_id": "note", **body.model_dump(mode="json", exclude={"at"}), "at": body.at}
    await parley.database["notes"].replace_one({"_id": "note"}, document, upsert=True)
    return body.title


@router.get("", dependencies=[Guarded])
async def list_notes(query: Annotated[NoteQuery, Query()], pager: PagerDep, parley: ParleyDep) -> Page[str]:
    where = {"kind": {"$in": query.kind}, "at": {"$gt": query.at}}
    found = await parley.database["notes"].find(where).skip(query.offset).limit(query.limit).to_list()
    return pager.page([note["title"] for note in found], total=len(found), query=query)


@router.put("/maybe", dependencies=[Guarded])
async def maybe(body: Place | None = None) -> bool:
    return body is not None


@router.get("/plain", dependencies=[Guarded])
async def plain(request: Request, colour: str = "red", number: int = 0) -> str:
    return f"{request.url.path} {colour} {number}"


class Answer(BaseModel):
    """What is shown of a note."""

    title: str


class Stored(Answer):
    """What is not."""

    password: str = SECRET


@router.get("/answer")
async def answer() -> Answer:
    return Stored(title="t")


@router.get("/quoted")
async def quoted(them: "Request") -> str:
    return them.url.path


@router.patch("/foreign", dependencies=[Depends(foreign_guard)])
async def foreign(body: Note) -> str:
    return body.title


@router.post("/form", dependencies=[Guarded])
async def submit(name: Annotated[str, Form()]) -> str:
    return name


@router.patch("/{note_id}", dependencies=[Guarded])
async def change(note_id: str, body: Note) -> str:
    return note_id + body.title


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = an_application([core_settings], [a_plugin("notes", parley_routers=[router])])
    async with running_client(app) as client:
        yield client


async def chunks(size: int, count: int, pulled: list[int] | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        if pulled is not None:
            pulled.append(number)
        yield b" " * size


def as_json(content: bytes | AsyncIterator[bytes]) -> dict[str, Any]:
    return {"content": content, "headers": {"content-type": "application/json"}}


def typed(content_type: str | None) -> dict[str, Any]:
    content = json.dumps({"title": "t"}).encode()
    return {"content": content, "headers": {"content-type": content_type} if content_type else {}}


def refused_code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    assert 400 <= answer.status_code < 500
    assert SECRET not in answer.text
    return str(answer.json()["code"])


# What is wrong with a request, how it is sent, and what a known caller is answered.
WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "broken_json": (as_json(b'{"title": '), 400, "validation_error"),
    "no_json": (as_json(b"\xff\xfe" + SECRET.encode()), 400, "validation_error"),
    "no_body": ({}, 400, "validation_error"),
    "missing_field": ({"json": {}}, 400, "validation_error"),
    "unknown_field": ({"json": {"title": "t", "rev": SECRET}}, 400, "validation_error"),
    "unknown_inner_field": (
        {"json": {"title": "t", "places": {"a": {"name": "n", "x": SECRET}}}},
        400,
        "validation_error",
    ),
    "unknown_query": ({"json": {"title": "t"}, "params": {"colour": SECRET}}, 400, "validation_error"),
    "too_large": (as_json(b" " * (MAX_BODY_BYTES + 1)), 413, "payload_too_large"),
    "too_large_in_chunks": ({"content": lambda: chunks(9000, 30), "type": "json"}, 413, "payload_too_large"),
    "text": (typed("text/plain"), 415, "unsupported_media_type"),
    "form": (typed("application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
    "almost_json": (typed("application/xjson"), 415, "unsupported_media_type"),
    "no_type": (typed(None), 415, "unsupported_media_type"),
    "nonsense_type": (typed(SECRET), 415, "unsupported_media_type"),
}


def sent(given: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The request's options; a body of chunks is made anew for each request."""
    given = dict(given)
    if callable(given.get("content")):
        given["content"] = given["content"]()
    if given.pop("type", None):
        given["headers"] = {"content-type": "application/json"}
    return {**given, "headers": {**given.get("headers", {}), **headers}}


class TestOrder:
    """401, then ids, 404 and 403, then the body."""

    @pytest.mark.parametrize(("given", "status", "code"), WRONG.values(), ids=WRONG)
    async def test_guard_first(self, client: httpx.AsyncClient, given: dict[str, Any], status: int, code: str) -> None:
        """An unknown caller learns nothing of what was sent; a known one does, after what the guard has to say."""
        assert refused_code(await client.post("/v1/notes", **sent(given))) == "unknown_caller"
        assert refused_code(await client.patch(f"/v1/notes/{SECRET}", **sent(given))) == "unknown_caller"
        assert refused_code(await client.patch(f"/v1/notes/{SECRET}", **sent(given, **KNOWN))) == "invalid_id"
        assert refused_code(await client.patch(f"/v1/notes/{'0' * 24}", **sent(given, **KNOWN))) == "note_not_found"
        answer = await client.post("/v1/notes", **sent(given, **KNOWN))
        assert (answer.status_code, refused_code(answer)) == (status, code)

    @pytest.mark.parametrize(("given", "status", "code"), WRONG.values(), ids=WRONG)
    async def test_foreign_guard_first(
        self, client: httpx.AsyncClient, given: dict[str, Any], status: int, code: str
    ) -> None:
        """The same for a guard that raises FastAPI's own exception."""
        answer = await client.patch("/v1/notes/foreign", **sent(given))
        assert (answer.status_code, refused_code(answer)) == (403, "http_403")
        answer = await client.patch("/v1/notes/foreign", **sent(given, **KNOWN))
        assert (answer.status_code, refused_code(answer)) == (status, code)

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            pytest.param({"data": {"nom": "x"}}, 400, id="missing_field"),
            pytest.param({"data": {"name": "x" * MAX_BODY_BYTES}}, 413, id="too_large"),
            pytest.param(
                {"content": b"--b\r\nx", "headers": {"content-type": "multipart/form-data; boundary=b"}},
                400,
                id="broken_multipart",
            ),
            pytest.param({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, id="no_boundary"),
        ],
    )
    async def test_guard_before_a_form(self, client: httpx.AsyncClient, given: dict[str, Any], status: int) -> None:
        """A form is read like any other body."""
        assert refused_code(await client.post("/v1/notes/form", **sent(given))) == "unknown_caller"
        answer = await client.post("/v1/notes/form", **sent(given, **KNOWN))
        assert answer.status_code == status
        assert refused_code(answer) in {"validation_error", "payload_too_large"}

    async def test_guard_before_the_query(self, client: httpx.AsyncClient) -> None:
        """Parameters are checked after the guard, known and unknown ones."""
        for address in ("/v1/notes?limit=x", "/v1/notes?nothing=1", "/v1/notes/plain?number=x"):
            assert refused_code(await client.get(address)) == "unknown_caller"


class TestBodies:
    async def test_accepted(self, client: httpx.AsyncClient) -> None:
        """A body that is right passes, in whatever kind of JSON it is sent."""
        for content_type in ("application/json", "application/json; charset=utf-8", "application/merge-patch+json"):
            answer = await client.post("/v1/notes", **sent(typed(content_type), **KNOWN))
            assert (answer.status_code, answer.json()) == (200, "t")

    async def test_size_at_the_limit(self, client: httpx.AsyncClient) -> None:
        """256 KiB are taken, whole and in chunks."""
        padded = b'{"title":"t"}'.ljust(MAX_BODY_BYTES)

        async def halves() -> AsyncIterator[bytes]:
            yield padded[:140_000]
            yield padded[140_000:]

        for content in (padded, halves()):
            assert (await client.post("/v1/notes", **sent(as_json(content), **KNOWN))).status_code == 200

    async def test_reading_stops(self, client: httpx.AsyncClient) -> None:
        """An endless body is read no further than the limit."""
        pulled: list[int] = []
        answer = await client.post("/v1/notes", **sent(as_json(chunks(90_000, 10_000, pulled)), **KNOWN))
        assert refused_code(answer) == "payload_too_large"
        assert len(pulled) <= 4

    async def test_optional_body(self, client: httpx.AsyncClient) -> None:
        """Where a body may be left out, a broken one still isn't taken for none."""
        assert (await client.put("/v1/notes/maybe", headers=KNOWN)).json() is False
        assert (await client.put("/v1/notes/maybe", json={"name": "n"}, headers=KNOWN)).json() is True
        for content in (b"{", b" " * (MAX_BODY_BYTES + 1), b'{"name": NaN}'):
            assert refused_code(await client.put("/v1/notes/maybe", **sent(as_json(content), **KNOWN)))

    async def test_form(self, client: httpx.AsyncClient) -> None:
        """A right form is taken."""
        assert (await client.post("/v1/notes/form", data={"name": "ada"}, headers=KNOWN)).json() == "ada"

    @pytest.mark.parametrize(
        "content",
        [
            b"NaN",
            b'{"title":"t","ratio":NaN}',
            b'{"title":"t","ratio":-Infinity}',
            b'{"title":"t","ratio":1e400}',
            b'{"title":"t","count":1e400}',
            b'{"title":"t","count":%d}' % 2**63,
            b'{"title":"t","count":%d}' % -(10**400),
            b'{"title":"t","count":' + b"9" * 5000 + b"}",
            b'{"title":"t","count":true}',
            b'{"title":"t","count":"12"}',
            b'{"title":"t","count":12.5}',
            b'{"title":"\\ud800hunter2!"}',
            b'{"title":"\xed\xa0\x80"}',
            b'{"title":"a\\u0000b"}',
            b'{"title":"t","text":"a\\u0000b"}',
            b'{"title":"t","a\\u0000b":1}',
            b'{"title":"t","labels":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
            b"[" * 60_000,
            b'{"title":"t","places":{"a":{"name":"\xff"}}}',
            b'\xef\xbb\xbf{"title":"t"}',
            '{"title":"t"}'.encode("utf-16"),
            b'{"title":"t","at":"0001-01-01T00:00:00+14:00"}',
            b'{"title":"t","at":"9999-12-31T23:59:59-14:00"}',
            b'{"title":"t","at":100000000000}',
            b'{"title":"t","kind":"hunter2!"}',
            b'{"title":"t","key":"hunter2!"}',
            b'{"title":["hunter2!"]}',
            b'["hunter2!"]',
            b'"hunter2!"',
            b"null",
            b"",
        ],
        ids=lambda content: repr(content[:40])[2:-1],
    )
    async def test_refused(self, client: httpx.AsyncClient, content: bytes) -> None:
        """What no field can mean is 400, is not repeated and never reaches the driver."""
        answer = await client.post("/v1/notes", **sent(as_json(content), **KNOWN))
        assert refused_code(answer) == "validation_error", answer.text
        assert answer.json()["errors"]

    async def test_pointers(self, client: httpx.AsyncClient) -> None:
        """Each error points at its field; a name that isn't fit to be repeated is a question mark."""
        body = {"title": "", "places": {"a": {"floor": 1}, "b~/c": {}}, "x" * 65: 1, "né": 2, "labels": ["ok", "\n"]}
        errors = (await client.post("/v1/notes", json=body, headers=KNOWN)).json()["errors"]
        assert [(error["pointer"], error["code"]) for error in errors] == [
            ("#/title", "blank"),
            ("#/labels/1", "control_character"),
            ("#/places/a/name", "missing"),
            ("#/places/?/name", "missing"),
            ("#/?", "extra_forbidden"),
            ("#/?", "extra_forbidden"),
        ]


class TestAnswers:
    async def test_annotation_decides(self, client: httpx.AsyncClient) -> None:
        """An endpoint answers what its annotation says, whatever else the returned object contains."""
        assert (await client.get("/v1/notes/answer")).json() == {"title": "t"}


class TestQueries:
    async def test_unknown_parameter(self, client: httpx.AsyncClient) -> None:
        """A misspelt filter isn't ignored: it would show everything."""
        answer = await client.get("/v1/notes?knd=short", headers=KNOWN)
        assert refused_code(answer) == "invalid_filter"
        assert answer.json()["errors"][0]["pointer"] == "?knd"
        answer = await client.get("/v1/notes/plain?color=red", headers=KNOWN)
        assert refused_code(answer) == "validation_error"
        assert refused_code(await client.get("/v1/notes/quoted?%00%ff=1")) == "validation_error"

    async def test_known_parameters(self, client: httpx.AsyncClient) -> None:
        """Parameters of the function, of a model and of dependencies are known; repeated ones make lists."""
        assert (await client.get("/v1/notes/plain?colour=blue", headers=KNOWN)).json() == "/v1/notes/plain blue 0"
        assert (await client.get("/v1/notes?kind=short&kind=long&limit=5", headers=KNOWN)).status_code == 200

    async def test_request_under_any_name(self, client: httpx.AsyncClient) -> None:
        """An endpoint has the request whatever it calls it and however its annotations are written."""
        assert (await client.get("/v1/notes/quoted")).json() == "/v1/notes/quoted"

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=",
            "limit=1e400",
            "limit=NaN",
            "limit=99999999999999999999999999999999",
            "limit=%00",
            "limit=%ff",
            "limit=hunter2!",
            "offset=-1",
            "offset=2147483648",
            "kind=hunter2!",
            "kind=short&kind=hunter2!",
            "at=hunter2!",
            "at=2027-01-01T00:00:00",
            "at=9999-12-31T23:59:59-14:00",
            "at=100000000000",
        ],
    )
    async def test_refused(self, client: httpx.AsyncClient, query: str) -> None:
        """A bad value is 400, points at its parameter and is not repeated."""
        answer = await client.get(f"/v1/notes?{query}", headers=KNOWN)
        assert refused_code(answer) == "validation_error"
        assert answer.json()["errors"][0]["pointer"].startswith(f"?{query.partition('=')[0]}")


TEXTS = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["$where", "$$ROOT", "__proto__", "\ud800", "\x00", "2027-03-01T09:30:00+23:59", "{'$gt': ''}", SECRET, "1e400"]
)
NUMBERS = (
    st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from([2**63, -(2**63) - 1, 10**4000, 1e308, -0.0])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from([*Note.model_fields, "rev", "_id", "$set"])
INSTANTS = st.datetimes(timezones=st.timezones()).map(lambda instant: instant.isoformat())
NEARLY_RIGHT = st.fixed_dictionaries(
    {"title": TEXTS},
    optional={
        "text": TEXTS,
        "at": INSTANTS,
        "count": NUMBERS,
        "stars": NUMBERS,
        "ratio": NUMBERS,
        "labels": st.lists(TEXTS, max_size=3),
        "places": st.dictionaries(TEXTS, st.fixed_dictionaries({"name": TEXTS}), max_size=2),
    },
)
BODIES = NEARLY_RIGHT | st.dictionaries(FIELDS, VALUES, max_size=6).map(lambda body: {"title": "t", **body}) | VALUES
ENCODED = BODIES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["limit", "offset", "kind", "at", "where"]) | TEXTS, TEXTS | NUMBERS.map(str)), max_size=4
)
FUZZ = settings(
    max_examples=rounds(60, full=300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def percent(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.attack
class TestFuzz:
    """Nothing answers 5xx to any input, and nothing repeats it."""

    @FUZZ
    @given(content=ENCODED)
    async def test_bodies(self, client: httpx.AsyncClient, content: bytes) -> None:
        """Any body is either taken, stored included, or refused as a problem."""
        answer = await client.post("/v1/notes", **sent(as_json(content), **KNOWN))
        if answer.status_code != 200:
            assert refused_code(answer) == "validation_error"

    @FUZZ
    @given(query=QUERIES)
    async def test_queries(self, client: httpx.AsyncClient, query: list[tuple[str, str]]) -> None:
        """Any query is either understood or refused as a problem."""
        spelt = "&".join(f"{percent(name)}={percent(value)}" for name, value in query)
        answer = await client.get(f"/v1/notes?{spelt}", headers=KNOWN)
        if answer.status_code != 200:
            assert refused_code(answer) in {"validation_error", "invalid_filter"}

    @FUZZ
    @given(text=TEXTS.filter(lambda text: text not in {"", ".", ".."} and "/" not in text), media_type=TEXTS)
    async def test_paths_and_types(self, client: httpx.AsyncClient, text: str, media_type: str) -> None:
        """Any path and any content type too."""
        headers = {b"content-type": percent(media_type).encode(), b"x-caller": b"ada"}
        answer = await client.patch(f"/v1/notes/{percent(text)}", content=b"{}", headers=headers)
        assert refused_code(answer) in {"invalid_id", "not_found", "method_not_allowed", "note_not_found"}


class TestShape:
    """A router's routes are tried only where the path ends like one of theirs."""

    @pytest.mark.parametrize(
        ("prefix", "path"),
        [
            ("", "/x"),
            ("/notes", "/notes/x"),
            ("/notes/{note_id}/parts", "/notes/7/parts/x"),
            ("/notes/{note_id:int}/parts", "/notes/7/parts/x"),
            ("/notes/{rest:path}", "/notes/7/parts/x"),
            ("/{note_id}", "/7/x"),
        ],
    )
    async def test_found(self, prefix: str, path: str) -> None:
        """Wherever the router is included, its routes are found."""
        assert await status_with(prefix, f"/v1{path}") == 200
        assert await status_with(prefix, f"/elsewhere{path}") == 200

    @pytest.mark.parametrize("path", ["/v1/notes/7/x", "/v1/7/parts/x", "/v1/note/7/parts/x"])
    async def test_not_found(self, path: str) -> None:
        """Nothing is found at another address."""
        assert await status_with("/notes/{note_id}/parts", path) == 404

    async def test_later_ones(self) -> None:
        """Routes are found that came after the first request, and those of a router inside."""
        inner, outer = Router(prefix="/inner", tag="notes"), Router(prefix="/outer", tag="notes")
        app = an_application([], [a_plugin("notes", parley_routers=[outer])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert (await client.get("/v1/outer/x")).status_code == 404
            for router in (inner, outer):
                router.get("/x")(read_x)
            outer.include_router(inner)
            for path in ("/v1/outer/x", "/v1/outer/inner/x", "/v1/inner/x"):
                assert (await client.get(path)).status_code == (404 if path == "/v1/inner/x" else 200)


async def read_x() -> str:
    """Answer."""
    return "found"


async def status_with(prefix: str, path: str) -> int:
    """Return how GET `path` is answered by a route `/x` in a router of this prefix, included twice."""
    router = Router(prefix=prefix, tag="notes")
    router.get("/x")(read_x)
    app = an_application([], [a_plugin("notes", parley_routers=[router])])
    app.include_router(router, prefix="/elsewhere")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return (await client.get(path)).status_code
