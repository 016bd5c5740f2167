"""The OpenAPI document: complete, and true in every error code that it lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from parley_core.http.problems import MEDIA_TYPE as PROBLEM

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
            if status >= "400":
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
        if status >= "400"
        for example in response["content"][PROBLEM]["examples"].values()
    ]
    assert examples
    for problem in examples:
        assert (problem["category"] == "authentication") == (problem["status"] == 401)
        assert (problem["category"] == "authorization") == (problem["status"] == 403)
        assert problem["category"] != "business_rule" or problem["status"] == 400
