"""The parts of the OpenAPI document that FastAPI doesn't know: headers, parameters, tags, security, schemas."""

from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Form, Header, Query, Response
from pydantic import ConfigDict, Field
from starlette.requests import HTTPConnection

from parley_core import PagerDep, Parley, ParleyError, Router, raises
from parley_core.caching.routes import CachedRead, cached
from parley_core.errors import AuthenticationError, NotFoundError, RateLimitError, needs_nothing
from parley_core.http.document.names import named
from parley_core.http.event_stream import EventStream, streamed
from parley_core.http.schemas import Body, Representation, WholeNumber
from parley_core.http.sent_headers import ETAG, LOCATION, SentHeader, sends
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application

ALWAYS = {"X-Request-ID", "Cache-Control", "X-Content-Type-Options"}


class Unknown(AuthenticationError):
    code = "unknown_caller"
    title = "Say who you are"


class TooMany(RateLimitError):
    code = "too_many"
    title = "Too many"


class Moved(NotFoundError):
    code = "moved"
    title = "It has gone"
    sends = ("X-Now-At",)


class Gate:
    """A guard that checks the ids in a path."""

    async def __call__(self, request: HTTPConnection) -> None: ...

    async def admit(self, request: HTTPConnection) -> None: ...

    def sees_inside(self, result: None) -> bool:
        return False

    def path_schemas(self, parley: Parley, names: Sequence[str]) -> dict[str, dict[str, str]]:
        return {name: {"pattern": "^[a-z]$"} for name in names if name.endswith("_id")}


class Note(Representation):
    """A note."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "x", "parent": {"id": "y"}}]})

    id: str
    text: str | None
    parent: "Note | None"


async def no_viewer(*_: object) -> int:
    return 1


@sends(SentHeader("X-Shade", "The shade."))
async def shaded(response: Response) -> None:
    response.headers["X-Shade"] = "dark"


router = Router(prefix="/notes", tag="notes", description="All notes.")


@router.get("")
@cached(CachedRead(viewer=lambda _: None, validator=no_viewer))
async def list_notes(_: Annotated[None, Depends(Gate())], pager: PagerDep) -> Note:
    raise NotImplementedError


@router.post("", status_code=201, responses={200: {"model": Note}}, dependencies=[Depends(shaded)])
@sends(LOCATION, ETAG)
@raises(Unknown, TooMany, Moved)
async def create_note(
    tags: Annotated[list[str] | None, Header(alias="If-Tags")] = None,
    number: Annotated[int | None, Header(alias="X-Number", ge=0)] = None,
    shade: Annotated[str | None, Query(max_length=3)] = None,
    size: Annotated[int | str | None, Query()] = None,
) -> Note:
    raise NotImplementedError


@router.get("/{note_id}/{part}", dependencies=[Depends(Gate())])
async def read_part() -> Note:
    raise NotImplementedError


@router.get("/stream", response_class=EventStream, responses=streamed("a note", place="id", example={"id": 7}))
async def follow() -> EventStream:
    raise NotImplementedError


@router.get("/alone")
@needs_nothing
async def alone() -> None: ...


more = Router(prefix="/more", tag="notes")
more.get("", name="list_more")(alone)


@pytest.fixture
def app() -> FastAPI:
    return an_application([], [a_plugin("notes", parley_routers=[router])])


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def headers_of(document: dict[str, Any], method: str, path: str) -> dict[str, set[str]]:
    """The documented headers of each status, without those of every answer, which are there."""
    found = {}
    for status, answer in document["paths"][path][method]["responses"].items():
        if "$ref" not in answer:
            assert answer["headers"].keys() >= ALWAYS
            found[status] = answer["headers"].keys() - ALWAYS
    return found


class TestHeaders:
    def test_declared(self, document: dict[str, Any]) -> None:
        """What endpoint, dependency and error declare stands with the answers that have it."""
        assert headers_of(document, "post", "/v1/notes") == {
            "200": {"ETag", "X-Shade"},
            "201": {"ETag", "Location", "X-Shade"},
            "400": set(),
            "401": {"WWW-Authenticate"},
            "404": {"X-Now-At"},
            "408": set(),
            "413": set(),
            "429": {"Retry-After"},
            "503": {"Retry-After"},
        }

    def test_cached(self, document: dict[str, Any]) -> None:
        """A cached route takes `If-None-Match`, and its 304 has the headers of its 200."""
        found = headers_of(document, "get", "/v1/notes")
        assert found["304"] == found["200"] == {"ETag", "Vary", "Cache-Status", "Link"}
        operation = document["paths"]["/v1/notes"]["get"]
        assert "content" not in operation["responses"]["304"]
        [parameter] = operation["parameters"]
        assert (parameter["name"], parameter["in"], parameter["schema"]) == (
            "If-None-Match",
            "header",
            {"type": "string"},
        )
        assert "304" not in document["paths"]["/v1/notes/{note_id}/{part}"]["get"]["responses"]

    def test_each_is_described_once(self, document: dict[str, Any]) -> None:
        """An answer refers to the description of a header; one of the same name with another meaning is apart."""
        answers = document["paths"]["/v1/notes"]["post"]["responses"]
        assert answers["201"]["headers"]["ETag"] == {"$ref": "#/components/headers/ETag"}
        described = document["components"]["headers"]["X-Shade"]
        assert described == {"description": "The shade.", "schema": {"type": "string"}}
        other = Router(prefix="/other", tag="other")
        other.get("")(sends(SentHeader("X-Shade", "Its number.", "integer"))(no_viewer))
        both = an_application([], [a_plugin("notes", parley_routers=[router, other])]).openapi()
        own = both["paths"]["/v1/other"]["get"]["responses"]["200"]["headers"]["X-Shade"]
        assert own == {"description": "Its number.", "schema": {"type": "integer"}}

    def test_by_setting(self) -> None:
        """`Strict-Transport-Security` is documented where it is sent."""
        app = an_application([CoreSettings(hsts_seconds=60)], [a_plugin("notes", parley_routers=[router])])
        assert "Strict-Transport-Security" in headers_of(app.openapi(), "post", "/v1/notes")["201"]

    def test_other_methods(self, document: dict[str, Any]) -> None:
        """A method that an address lacks is 405 with `Allow`; that and 431 are described once."""
        for path in document["paths"].values():
            for operation in path.values():
                assert operation["responses"]["405"] == {"$ref": "#/components/responses/MethodNotAllowed"}
                assert operation["responses"]["431"] == {"$ref": "#/components/responses/HeadersTooLarge"}
        assert document["components"]["responses"]["MethodNotAllowed"]["headers"].keys() == ALWAYS | {"Allow"}


class TestParameters:
    def test_without_null(self, document: dict[str, Any]) -> None:
        """Nobody can send null in an address or a header; the other alternatives stay."""
        parameters = {p["name"]: p["schema"] for p in document["paths"]["/v1/notes"]["post"]["parameters"]}
        assert parameters["shade"] == {"title": "Shade", "type": "string", "maxLength": 3}
        assert parameters["size"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]

    def test_headers_are_strings(self, document: dict[str, Any]) -> None:
        """A header is one string, whatever the server reads from it."""
        parameters = {p["name"]: p["schema"] for p in document["paths"]["/v1/notes"]["post"]["parameters"]}
        assert parameters["If-Tags"] == {"title": "If-Tags", "type": "string"}
        assert parameters["X-Number"] == {"title": "X-Number", "type": "string", "pattern": "^[0-9]{1,18}$"}

    def test_what_guards_check(self, document: dict[str, Any]) -> None:
        """Path parameters have the schema that a guard gives them."""
        note_id, part = document["paths"]["/v1/notes/{note_id}/{part}"]["get"]["parameters"]
        assert note_id["schema"] == {"type": "string", "title": "Note Id", "pattern": "^[a-z]$"}
        assert part["schema"] == {"type": "string", "title": "Part"}


class TestOperations:
    def test_unavailable(self, document: dict[str, Any]) -> None:
        """503 stands where it can be answered, which is everywhere but where nothing is needed."""
        without = {
            path
            for path, operations in document["paths"].items()
            for operation in operations.values()
            if "503" not in operation["responses"]
        }
        assert without == {"/v1/notes/alone", "/healthz"}

    def test_security(self, document: dict[str, Any]) -> None:
        """An operation without a security scheme says that it has none."""
        assert document["paths"]["/v1/notes"]["post"]["security"] == []

    def test_stream(self, document: dict[str, Any]) -> None:
        """A stream says what its events are, with an example as it is sent."""
        answer = document["paths"]["/v1/notes/stream"]["get"]["responses"]["200"]
        assert "Last-Event-ID" in answer["description"]
        assert answer["content"].keys() == {"text/event-stream"}
        assert 'data: {"id": 7}' in answer["content"]["text/event-stream"]["example"]
        assert "X-Accel-Buffering" in answer["headers"]

    @pytest.mark.parametrize("routers", [[router, more], [more, router]])
    def test_tags(self, routers: list[Router]) -> None:
        """A tag has the description of the router that has one."""
        document = an_application([], [a_plugin("notes", parley_routers=routers)]).openapi()
        described = {tag["name"]: tag["description"] for tag in document["tags"]}
        assert described["notes"] == "All notes."
        assert described.keys() == {"notes", "operations"}

    def test_tags_of_a_host(self) -> None:
        """What a host says about a tag and about its servers stays."""
        parley = Parley([], plugins=[a_plugin("notes", parley_routers=[router])], unguarded=True)
        app = FastAPI(openapi_tags=[{"name": "notes", "description": "Ours."}], servers=[{"url": "https://x.example"}])
        parley.mount(app)
        document = app.openapi()
        assert document["tags"] == [{"name": "notes", "description": "Ours."}]
        assert document["servers"] == [{"url": "https://x.example"}]

    def test_servers(self) -> None:
        """Without them the server is what serves the document, below its root path."""
        app = an_application([], [a_plugin("notes", parley_routers=[router])])
        assert app.openapi()["servers"] == [{"url": "/"}]
        app = an_application([], [a_plugin("notes", parley_routers=[router])])
        app.root_path = "/parley"
        assert app.openapi()["servers"] == [{"url": "/parley"}]


class TestSchemas:
    def test_nulls_of_examples(self, document: dict[str, Any]) -> None:
        """FastAPI drops null from examples, and they have it nevertheless where it is required."""
        [example] = document["components"]["schemas"]["Note"]["examples"]
        assert example == {"id": "x", "text": None, "parent": {"id": "y", "text": None, "parent": None}}

    def test_titles(self) -> None:
        """Schemas of one name in two packages have different titles, of which clients make class names."""
        other = type("Note", (Representation,), {"__module__": "other", "__annotations__": {"id": str}})
        twins = Router(prefix="/twins", tag="twins")
        twins.get("", response_model=other)(no_viewer)
        document = an_application([], [a_plugin("notes", parley_routers=[router, twins])]).openapi()
        titles = [schema.get("title") for schema in document["components"]["schemas"].values()]
        assert len(titles) == len(set(titles)) > 3


def test_errors_inherit_their_headers() -> None:
    """A package's own error has the headers of its kind without saying so."""
    error: type[ParleyError] = TooMany
    assert error.sends == ("Retry-After",)


class TestNames:
    def test_of_the_application(self) -> None:
        """A field that takes names of the application lists them; of a kind that nobody knows it takes any text."""

        class Colors:
            def known_names(self) -> dict[str, list[str]]:
                return {"color": ["red", "blue"]}

        class Paint(Body):
            color: str = Field(json_schema_extra=named("color"))
            shades: list[Annotated[str, Field(json_schema_extra=named("shade"))]]
            size: WholeNumber = Field(ge=1, le=9)

        paints = Router(prefix="/paints", tag="paints")

        @paints.post("")
        async def paint(body: Paint) -> None: ...

        def provide(parley: Parley, routes: Sequence[object]) -> None:
            parley.provide(Colors())

        plugin = a_plugin("paints", parley_routers=[paints], parley_verify=provide)
        fields = an_application([], [plugin]).openapi()["components"]["schemas"]["Paint"]["properties"]
        assert fields["color"] == {"type": "string", "title": "Color", "enum": ["blue", "red"]}
        assert fields["shades"]["items"] == {"type": "string"}
        assert (fields["size"]["minimum"], fields["size"]["maximum"]) == (1, 9)
        assert {"ge", "le"} & fields["size"].keys() == set()

    def test_forms(self) -> None:
        """Other fields of a form are texts, since none may be repeated."""

        class Entry(Representation):
            text: str

        forms = Router(prefix="/forms", tag="forms")

        @forms.post("")
        async def send(form: Annotated[Entry, Form()]) -> None: ...

        document = an_application([], [a_plugin("forms", parley_routers=[forms])]).openapi()
        assert document["components"]["schemas"]["Entry"]["additionalProperties"] == {"type": "string"}
