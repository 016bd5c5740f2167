"""The OpenAPI document: complete, and true in every error code that it lists."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from parley_auth.testing import Account
from parley_core.data.ids import ID_PATTERN
from parley_core.http.problems import MEDIA_TYPE as PROBLEM
from parley_core.testing.documented import Documented

ROOT = Path(__file__).parents[1]
FILE, CHANGELOG = ROOT / "docs/openapi.json", ROOT / "packages/app/CHANGELOG.md"
# They need no token, and answer 401 to a wrong password or a spent token.
LOGINS = {f"POST /v1/auth/{name}" for name in ("login", "token", "refresh")}
METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its address."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names, or the schema itself."""
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """Each operation has a summary, a description, a tag and an operationId of its own, made of words."""
    found = dict(operations(document))
    assert len(found) >= 20
    for address, operation in found.items():
        assert operation["summary"], address
        assert operation["description"], address
        assert operation["tags"], address
        assert operation["operationId"].isidentifier(), address
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    """Each JSON body that is sent or answered comes with an example, by its schema or by its fields."""
    for address, operation in operations(document):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [r.get("content", {}) for s, r in operation["responses"].items() if s.startswith("2")]
        for content in contents:
            if "application/json" in content:
                schema = resolved(document, content["application/json"]["schema"])
                item = schema.get("properties", {}).get("items", {}).get("items")
                schema = resolved(document, item) if item else schema
                fields = schema.get("properties", {}).values()
                assert "examples" in schema or any("examples" in field for field in fields), address


def test_no_422(document: dict[str, Any]) -> None:
    """No operation lists a 422, which never happens, nor keeps FastAPI's schema of it."""
    assert all("422" not in operation["responses"] for _, operation in operations(document))
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_errors_are_problems(document: dict[str, Any]) -> None:
    """Each error response is a problem with an example for each of its codes, and its codes are known ones."""
    known = set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    listed = set()
    for address, operation in operations(document):
        problem = "TokenProblem" if "/auth/token" in str(address) else "Problem"
        for status, response in operation["responses"].items():
            if status >= "400" and "$ref" not in response:
                content = response["content"][PROBLEM]
                assert content["schema"] == {"$ref": f"#/components/schemas/{problem}"}
                assert {e["value"]["status"] for e in content["examples"].values()} == {int(status)}, address
                listed |= content["examples"].keys()
    assert listed | {"not_found", "method_not_allowed", "headers_too_large", "internal_error"} == known


def test_categories(document: dict[str, Any]) -> None:
    """`authentication` stands exactly with 401, `authorization` exactly with 403, `business_rule` only with 400."""
    examples = [
        example["value"]
        for _, operation in operations(document)
        for status, response in operation["responses"].items()
        if status >= "400" and "$ref" not in response
        for example in response["content"][PROBLEM]["examples"].values()
    ]
    assert examples
    for problem in examples:
        assert (problem["category"] == "authentication") == (problem["status"] == 401)
        assert (problem["category"] == "authorization") == (problem["status"] == 403)
        assert problem["category"] != "business_rule" or problem["status"] == 400


class TestForClients:
    """What generators of clients and linters of documents need."""

    def test_parameters_are_texts(self, document: dict[str, Any]) -> None:
        """No parameter may be null, a header is one string, and an id has its pattern."""
        found = [
            (a, parameter) for a, operation in operations(document) for parameter in operation.get("parameters", ())
        ]
        assert len(found) > 50
        for address, parameter in found:
            schema, name = parameter["schema"], parameter["name"]
            assert "null" not in str(schema), address
            assert parameter["in"] != "header" or schema["type"] == "string", (address, name)
            assert parameter["in"] != "path" or not name.endswith("_id") or schema["pattern"] == ID_PATTERN, address

    def test_security(self, document: dict[str, Any]) -> None:
        """Each operation names the scheme or says that it needs none, as `parley policy` has it."""
        [scheme] = document["components"]["securitySchemes"]
        for address, operation in operations(document):
            assert operation["security"] in ([], [{scheme: []}]), address
            assert bool(operation["security"]) == ("401" in operation["responses"]) or address in LOGINS

    def test_information(self, document: dict[str, Any]) -> None:
        """The document says how to log in, under which licence, where, and what each tag is."""
        assert "/v1/auth/login" in document["info"]["description"]
        assert document["info"]["license"]["identifier"] == "MIT"
        assert document["servers"] == [{"url": "/"}]
        assert {tag for _, operation in operations(document) for tag in operation["tags"]} == {
            tag["name"] for tag in document["tags"]
        }
        assert all(tag["description"] for tag in document["tags"])

    def test_titles(self, document: dict[str, Any]) -> None:
        """Each schema has a name without the module that it is from, and a title of its own."""
        schemas = document["components"]["schemas"]
        assert [name for name in schemas if "__" in name] == []
        titles = [schema["title"] for schema in schemas.values()]
        assert len(set(titles)) == len(titles)

    def test_entity_tags(self, document: dict[str, Any]) -> None:
        """What is cached takes `If-None-Match` and answers 304; both stand together, with the `ETag` of the 200."""
        found = {address for address, operation in operations(document) if "304" in operation["responses"]}
        assert {"GET /v1/interviews", "GET /v1/users/me", "GET /v1/interviews/{interview_id}/messages"} <= found
        for address, operation in operations(document):
            names = {parameter["name"] for parameter in operation.get("parameters", ())}
            assert ("If-None-Match" in names) == (address in found)
            assert address not in found or "ETag" in operation["responses"]["200"]["headers"]


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """What checks a value by a schema of the document."""
    return Draft202012Validator({**schema, "components": document["components"]})


def test_examples(document: dict[str, Any]) -> None:
    """Every example, of a schema, of a field and of an answer, is valid by its schema."""
    count = 0
    for name, schema in document["components"]["schemas"].items():
        fields = schema.get("properties", {}).values()
        for described in (schema, *fields):
            for example in described.get("examples", ()):
                errors = [error.message for error in validator(document, described).iter_errors(example)]
                assert errors == [], (name, example)
                count += 1
    for _, operation in operations(document):
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                for example in content.get("examples", {}).values():
                    validator(document, content["schema"]).validate(example["value"])
                    count += 1
    assert count > 200


def test_wrong_examples_are_found(document: dict[str, Any]) -> None:
    """Negative control: an example that lacks a required field isn't valid."""
    user = document["components"]["schemas"]["User"]
    [example] = user["examples"]
    assert example["name"] is not None
    assert not validator(document, user).is_valid({k: v for k, v in example.items() if k != "name"})


class TestFile:
    """docs/openapi.json is the document, and each difference is in the changelog."""

    def test_is_current(self, document: dict[str, Any]) -> None:
        """The file is what the command writes."""
        assert json.loads(FILE.read_text("utf-8")) == document, (
            "the OpenAPI document has changed: run `uv run --all-packages parley openapi > docs/openapi.json`"
        )

    def test_is_in_the_changelog(self) -> None:
        """The changelog's newest part about the document has a line for it."""
        mark = mark_of(FILE.read_bytes())
        newest = CHANGELOG.read_text("utf-8").split("\n### OpenAPI\n")[1].split("\n## ")[0]
        assert mark in newest, (
            f"say under 'OpenAPI' in the changelog of parley-app what has changed, in a line that ends with `{mark}`"
        )

    def test_another_document(self) -> None:
        """Negative control: whatever else the file has, another mark."""
        assert mark_of(FILE.read_bytes().replace(b"interviews", b"meetings")) != mark_of(FILE.read_bytes())


def mark_of(document: bytes) -> str:
    """What the changelog names a document by."""
    return hashlib.sha256(document).hexdigest()[:12]


class TestComparison:
    """Negative controls of what compares all answers to the tests' client with the document."""

    @pytest.fixture
    def answer(self) -> Callable[..., httpx.Response]:
        """An answer to a request that was never sent."""

        def build(method: str = "GET", path: str = "/healthz", status: int = 200, **headers: str) -> httpx.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return httpx.Response(status, headers=named, request=httpx.Request(method, f"http://test{path}"))

        return build

    async def test_found(self, documented: Documented, answer: Callable[..., httpx.Response]) -> None:
        """A status, a header, a media type and a method that the document doesn't name."""
        assert documented.missing(answer(status=503)) == ["get /healthz: status 503"]
        assert documented.missing(answer(etag='"1"')) == ["get /healthz: 200 with etag"]
        assert documented.missing(answer(content_type="text/html")) == ["get /healthz: 200 with text/html"]
        assert documented.missing(answer("PUT", status=404)) == ["put /healthz: status 404"]
        assert documented.missing(answer(path=f"/v1/users/{'6' * 24}", status=429))
        with pytest.raises(AssertionError):
            await documented.refuse(answer(status=503))

    async def test_described(self, documented: Documented, answer: Callable[..., httpx.Response]) -> None:
        """What the document names, and what it says nothing about."""
        assert documented.missing(answer(x_request_id="1", content_type="application/json", date="x")) == []
        assert documented.missing(answer("PUT", status=405, allow="GET")) == []
        assert documented.missing(answer("HEAD")) == []
        assert documented.missing(answer(path="/docs", status=418)) == []


async def test_unavailable(client: httpx.AsyncClient, admin: Account, app: FastAPI) -> None:
    """Without time for the database each operation is 503 if its documentation says so, and otherwise as usual."""
    app.state.parley.request_timeout_seconds = 1e-6
    for address, operation in operations(app.openapi()):
        method, path = address.split()
        if operation["security"] or path in {"/healthz", "/readyz"}:
            path = re.sub(r"{position}", "1", path)
            answer = await client.request(method, re.sub(r"{\w+}", "6" * 24, path), headers=admin.headers)
            assert answer.status_code == (503 if "503" in operation["responses"] else 200), address
