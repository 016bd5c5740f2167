"""The OpenAPI document says what each operation really answers."""

import re
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Form, Path, Query

from parley_core import PageQuery, Parley, ParleyError, Router, raises
from parley_core.errors import FRAMEWORK_ERRORS, AuthenticationError, BusinessRuleError, FieldError, NotFoundError
from parley_core.http.problems import problem_of
from parley_core.http.schemas import Body
from parley_core.testing import a_plugin, an_application


class Unknown(AuthenticationError):
    code = "unknown_caller"
    title = "Say who you are"


class NoteNotFound(NotFoundError):
    code = "note_not_found"
    title = "There is no such note"


class NoteClosed(BusinessRuleError):
    code = "note_closed"
    title = "The note is closed"


class Note(Body):
    text: str


class Guard:
    """A dependency whose errors depend on the composition."""

    async def __call__(self) -> None: ...

    def errors_in(self, parley: Parley) -> list[type[ParleyError]]:
        return [Unknown] if parley.is_verified else []


@raises(NoteNotFound)
async def found() -> None: ...


async def guarded(_: Annotated[None, Depends(Guard())], __: Annotated[None, Depends(found)]) -> None: ...


async def read_note_id(note_id: str) -> str:
    return note_id


router = Router(prefix="/notes", tag="notes")


@router.post("", summary="Create a note")
@raises(NoteClosed)
async def create_note(body: Note) -> None: ...


@router.get("", summary="List notes")
async def list_notes(query: Annotated[PageQuery, Query()]) -> None: ...


@router.get("/{note_id}", summary="Read a note", dependencies=[Depends(guarded)])
async def read_note(note_id: str) -> None: ...


@router.put("/form", summary="Send a form")
async def send_form(text: Annotated[str, Form()]) -> None: ...


@router.get("/hidden/notes", include_in_schema=False)
async def read_hidden() -> None: ...


@pytest.fixture
def document() -> dict[str, Any]:
    return an_application([], [a_plugin("notes", parley_routers=[router])]).openapi()


def codes(operation: dict[str, Any]) -> dict[str, list[str]]:
    """The codes that each status of an operation is described with."""
    return {
        status: re.findall("`(.*?)`", answer["description"])
        for status, answer in operation["responses"].items()
        if status >= "400" and "$ref" not in answer
    }


class TestOperations:
    def test_errors_of_the_body(self, document: dict[str, Any]) -> None:
        """A JSON body may be wrong, too large or of another type, and any operation may find the database away."""
        assert codes(document["paths"]["/v1/notes"]["post"]) == {
            "400": ["note_closed", "validation_error"],
            "408": ["request_timeout"],
            "413": ["payload_too_large"],
            "415": ["unsupported_media_type"],
            "503": ["unavailable"],
        }

    def test_errors_of_a_form(self, document: dict[str, Any]) -> None:
        """A form of another type is an empty form."""
        assert set(codes(document["paths"]["/v1/notes/form"]["put"])) == {"400", "408", "413", "503"}

    def test_errors_of_a_list(self, document: dict[str, Any]) -> None:
        """A list refuses unknown filters by a code of their own."""
        assert codes(document["paths"]["/v1/notes"]["get"])["400"] == ["invalid_filter", "validation_error"]

    def test_errors_of_dependencies(self, document: dict[str, Any]) -> None:
        """What dependencies raise is listed, that which only the checked composition knows included."""
        found = codes(document["paths"]["/v1/notes/{note_id}"]["get"])
        assert (found["401"], found["404"]) == (["unknown_caller"], ["note_not_found"])

    def test_operation_ids(self, document: dict[str, Any]) -> None:
        """An operation's id is its function's name; hidden routes stay hidden."""
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        ids = {operation["operationId"] for operation in operations}
        assert ids == {"create_note", "list_notes", "read_note", "send_form", "check_health", "check_readiness"}

    def test_examples(self, document: dict[str, Any]) -> None:
        """Each code has an example that is a problem with this code."""
        answer = document["paths"]["/v1/notes"]["post"]["responses"]["400"]["content"]["application/problem+json"]
        assert answer["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert answer["examples"]["note_closed"]["value"]["code"] == "note_closed"
        assert answer["examples"]["note_closed"]["value"]["status"] == 400


class TestPathParameters:
    """Parameters that guards read and endpoints don't take are documented by themselves."""

    @pytest.fixture
    def parameters(self) -> dict[str, list[dict[str, Any]]]:
        """The parameters of each operation of a router whose endpoints take none, one or all of their path's."""
        parts = Router(prefix="/notes", tag="parts")

        @parts.get("/{note_id}/parts/{rest_of_path:path}")
        async def none_taken() -> None: ...

        @parts.get("/{note_id}/pages/{number}")
        async def one_taken(number: int, color: str = "red") -> None: ...

        @parts.get("/{note_id}")
        async def all_taken(note_id: Annotated[str, Path(description="The note.")]) -> None: ...

        @parts.get("/{note_id}/twice")
        async def in_a_dependency(_: Annotated[str, Depends(read_note_id)]) -> None: ...

        document = an_application([], [a_plugin("parts", parley_routers=[parts])]).openapi()
        return {
            operation["operationId"]: operation.get("parameters", [])
            for path in document["paths"].values()
            for operation in path.values()
        }

    def test_none_taken(self, parameters: dict[str, list[dict[str, Any]]]) -> None:
        """Every parameter of the path is there, required text, without a converter in its name."""
        assert parameters["none_taken"] == [
            {"name": "note_id", "in": "path", "required": True, "schema": {"type": "string", "title": "Note Id"}},
            {
                "name": "rest_of_path",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "title": "Rest Of Path"},
            },
        ]

    def test_some_taken(self, parameters: dict[str, list[dict[str, Any]]]) -> None:
        """What the endpoint or a dependency takes is documented as they declare it, once, and so is the query."""
        assert [(p["name"], p["in"], p["schema"]["type"]) for p in parameters["one_taken"]] == [
            ("note_id", "path", "string"),
            ("number", "path", "integer"),
            ("color", "query", "string"),
        ]
        assert [p["description"] for p in parameters["all_taken"]] == ["The note."]
        assert [p["name"] for p in parameters["in_a_dependency"]] == ["note_id"]

    def test_no_parameter(self, parameters: dict[str, list[dict[str, Any]]]) -> None:
        """A path without parameters has none."""
        assert parameters["check_health"] == []


class TestDocument:
    def test_no_422(self, document: dict[str, Any]) -> None:
        """FastAPI's own validation answer never happens, and its schemas are gone."""
        assert "422" not in str(document["paths"])
        assert set(document["components"]["schemas"]) == {"Body_send_form", "Health", "Note", "Problem"}

    def test_problem_knows_every_code(self, document: dict[str, Any]) -> None:
        """The schema of a problem lists all codes: those of the operations and those that any request can meet."""
        listed = set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        described = {code for operation in operations for found in codes(operation).values() for code in found}
        assert listed == described | {error.code for error in FRAMEWORK_ERRORS}

    def test_problem_is_described(self, document: dict[str, Any]) -> None:
        """The schema of a problem has the members that every problem has, and those that some have."""
        schema = document["components"]["schemas"]["Problem"]
        problem = problem_of(NoteClosed(errors=[FieldError("#/text", "closed", "Is closed")]), "trace-7")
        assert [name for name in schema["properties"] if name != "trace_id"] == list(problem)
        assert set(schema["required"]) == set(problem) - {"errors"}
        assert set(schema["properties"]["errors"]["items"]["required"]) == set(problem["errors"][0])

    def test_is_made_once(self) -> None:
        """The document is built once and kept."""
        app = an_application([], [a_plugin("notes", parley_routers=[router])])
        assert app.openapi() is app.openapi()

    def test_failure_is_not_kept(self) -> None:
        """A document that couldn't be completed isn't answered half made."""

        class Broken(Guard):
            def errors_in(self, parley: Parley) -> list[type[ParleyError]]:
                raise LookupError(type(parley).__name__)

        broken = Router(prefix="/broken", tag="broken")
        broken.get("", dependencies=[Depends(Broken())])(found)
        app = an_application([], [a_plugin("broken", parley_routers=[broken])])
        for _ in range(2):
            with pytest.raises(LookupError):
                app.openapi()

    def test_websockets_of_a_host(self) -> None:
        """Routes that are no operations are passed over."""
        parley = Parley(plugins=[a_plugin("notes", parley_routers=[router])], unguarded=True)
        app = FastAPI()
        app.websocket("/live")(found)
        parley.mount(app)
        assert "/live" not in app.openapi()["paths"]
