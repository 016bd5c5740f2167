"""The headers of each response, and the 304 of what can be asked for by its entity tag."""

from collections.abc import Iterable
from typing import Any

from parley_core.http.sent_headers import SentHeader

_ERRORS = "4"


def add_headers(document: dict[str, Any], response: dict[str, Any], headers: Iterable[SentHeader]) -> None:
    """List headers in a response; each is described once in the document."""
    for header in sorted(headers, key=lambda header: header.name):
        response.setdefault("headers", {})[header.name] = _described(document, header)


def add_success_headers(
    document: dict[str, Any], responses: dict[str, dict[str, Any]], headers: Iterable[SentHeader]
) -> None:
    """List each header in the successes that have it."""
    given = list(headers)
    for status, response in responses.items():
        if status < _ERRORS:
            add_headers(document, response, [h for h in given if not h.statuses or int(status) in h.statuses])


def add_not_modified(operation: dict[str, Any]) -> None:
    """Document that an operation takes `If-None-Match` and answers 304 with the headers that its 200 has."""
    operation.setdefault("parameters", []).append(
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The `ETag` of the answer that you have, or several with commas: if it is current, 304.",
        }
    )
    operation["responses"]["304"] = {"description": "The answer that you have is current; there is no body"}


def _described(document: dict[str, Any], header: SentHeader) -> dict[str, Any]:
    known = document.setdefault("components", {}).setdefault("headers", {})
    described = {"description": header.description, "schema": {"type": header.type}}
    if known.setdefault(header.name, described) != described:
        return described
    return {"$ref": f"#/components/headers/{header.name}"}
