"""Compares answers with the OpenAPI document: whatever is sent is in it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

# What carries an answer rather than belongs to it, and what HTTP has elsewhere in the document.
_OF_THE_CONNECTION = {"connection", "content-length", "content-type", "date", "server", "transfer-encoding"}
_PARAMETER = re.compile(r"{\w+}")


class Documented:
    """What an OpenAPI document says of answers.

    Args:
        document: the document.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        # Those that are spelt out come before those with parameters, as in the application.
        paths = sorted(document["paths"], key=lambda path: "{" in path)
        self._paths = [(re.compile(_PARAMETER.sub("[^/]+", path)), document["paths"][path]) for path in paths]

    def missing(self, answer: httpx.Response) -> list[str]:
        """Return the status, the media type and the headers of an answer that the document lacks.

        Of an address that isn't in the document nothing is known, so nothing is missing. A HEAD is compared with the
        GET, and a method that the address lacks with the 405 of those that it has.
        """
        path, method = answer.request.url.path, answer.request.method.lower().replace("head", "get")
        operations = self.operations_at(path)
        if not operations:
            return []
        operation = operations.get(method) or next(iter(operations.values()))
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            return [f"{method} {path}: status {answer.status_code}"]
        return [f"{method} {path}: {answer.status_code} with {it}" for it in self._undescribed(described, answer)]

    def operations_at(self, path: str) -> Mapping[str, Any]:
        """Return the operations of an address by their methods in lower case; none where the document lacks it.

        An address can belong to several paths, such as `/feeds/{token}.ics` and `/feeds/{feed_id}`: as in the
        application a method that the first one lacks is looked for in the next.
        """
        found = [operations for pattern, operations in self._paths if pattern.fullmatch(path)]
        return {method: operation for operations in reversed(found) for method, operation in operations.items()}

    def operation_ids(self) -> set[str]:
        """Return the id of every operation."""
        return {operation["operationId"] for _, operations in self._paths for operation in operations.values()}

    async def refuse(self, answer: httpx.Response) -> None:
        """Fail the test in which such an answer comes: a hook for httpx's event `response`."""
        if missing := self.missing(answer):
            raise AssertionError(f"the OpenAPI document lacks {missing}")

    def _undescribed(self, described: dict[str, Any], answer: httpx.Response) -> Iterator[str]:
        if "$ref" in described:
            described = self._document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        names = {name.lower() for name in described.get("headers", ())} | _OF_THE_CONNECTION
        yield from sorted(set(answer.headers) - names)
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        if media_type and media_type not in described.get("content", {}) and answer.request.method != "HEAD":
            yield media_type
