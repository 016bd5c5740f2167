"""What the OpenAPI document says about an answer: which statuses and headers an operation has."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# OpenAPI leaves Content-Type to `content`; the others belong to the connection and not to the operation.
_OF_THE_CONNECTION = {
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
}


class Documented:
    """The operations of a document.

    Args:
        document: the OpenAPI document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        # A template matches one segment for each parameter; of several that match, the one with the fewest counts.
        templates = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in templates]

    def faults(self, method: str, path: str, status: int, headers: Iterable[str]) -> set[str]:
        """Return what an answer has that the document doesn't know, in words; HEAD counts as GET."""
        template, operation = self._operation("GET" if method == "HEAD" else method, path)
        address = f"{method} {template} {status}"
        if (response := operation.get("responses", {}).get(str(status))) is None:
            return {f"{address} is not documented"}
        known = {name.lower() for name in self._resolved(response).get("headers", {})} | _OF_THE_CONNECTION
        return {f"{address}: the header {name} is not documented" for name in {*map(str.lower, headers)} - known}

    def operation_ids(self) -> Iterator[str]:
        """Yield the id of every operation."""
        for item in self._document["paths"].values():
            yield from (operation["operationId"] for operation in item.values() if "operationId" in operation)

    def operation_id(self, method: str, path: str) -> str | None:
        """Return the id of the operation that a request is for."""
        _, operation = self._operation(method, path)
        return operation.get("operationId")

    def _operation(self, method: str, path: str) -> tuple[str, Mapping[str, Any]]:
        for pattern, template in self._paths:
            if pattern.fullmatch(path) and method.lower() in self._document["paths"][template]:
                return template, self._document["paths"][template][method.lower()]
        return path, {}

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        found: Any = self._document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        resolved: Mapping[str, Any] = found
        return resolved
