"""Schemas as generators of clients need them: examples that are complete, and a title for each that no other has."""

import json
from collections import Counter
from typing import Any

_REFERENCE = "#/components/schemas/"
_FORM = "application/x-www-form-urlencoded"
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")


def complete_schemas(document: dict[str, Any]) -> None:
    """Put right what FastAPI leaves out of the schemas, or leaves in."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    _name_bounds(document)
    for form in _forms_of(document):
        schemas[form].setdefault("additionalProperties", {"type": "string"})
    titles = Counter(schema.get("title") for schema in schemas.values())
    for name, schema in schemas.items():
        if titles[schema.get("title")] > 1:
            schema["title"] = name
        if "examples" in schema:
            schema["examples"] = [_with_nulls(schema, example, schemas) for example in schema["examples"]]
    # A host's own routes may still name them.
    for name in _OF_FASTAPI:
        if f'"{_REFERENCE}{name}"' not in json.dumps(document):
            schemas.pop(name, None)


def _name_bounds(part: object) -> None:
    """Give bounds the names of JSON schema, which pydantic doesn't where a number is converted before it is checked."""
    if isinstance(part, list):
        for item in part:
            _name_bounds(item)
    elif isinstance(part, dict):
        for name in [name for name in part if name in _BOUNDS and isinstance(part[name], int | float)]:
            part[_BOUNDS[name]] = part.pop(name)
        for item in part.values():
            _name_bounds(item)


def _forms_of(document: dict[str, Any]) -> set[str]:
    """Return the names of the schemas of forms, in which no other field may be repeated either."""
    contents = [
        operation.get("requestBody", {}).get("content", {}).get(_FORM)
        for path in document["paths"].values()
        for operation in path.values()
    ]
    return {content["schema"].get("$ref", "").removeprefix(_REFERENCE) for content in contents if content} - {""}


def _with_nulls(schema: dict[str, Any], value: Any, schemas: dict[str, Any]) -> Any:
    """Return an example with the nulls of its required fields, which FastAPI drops from the whole document."""
    schema = next((kind for kind in schema.get("anyOf", ()) if "$ref" in kind), schema)
    schema = schemas[schema["$ref"].removeprefix(_REFERENCE)] if "$ref" in schema else schema
    if isinstance(value, list):
        return [_with_nulls(schema.get("items", {}), item, schemas) for item in value]
    if not isinstance(value, dict):
        return value
    fields = schema.get("properties", {})
    given = {name: _with_nulls(fields.get(name, {}), item, schemas) for name, item in value.items()}
    nulls = {name: None for name in schema.get("required", ()) if _is_nullable(fields.get(name, {}))}
    return {**nulls, **given}


def _is_nullable(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())
