"""Each route of the product is found by the short way as FastAPI finds it."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Message

from parley_core.http.framework import routes_of
from parley_core.http.requests import path_of

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_VALUES = ("6b08af07f22708f9c7b30bad", "7", "me", "a b")


async def _found(app: FastAPI, method: str, path: str) -> Mapping[str, object]:
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [],
        "scheme": "http",
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            scope["status"] = message["status"]

    await app(scope, receive, send)
    known: dict[str, object] = {name: scope.get(name) for name in ("status", "route", "endpoint", "path_params")}
    effective = scope.get("fastapi", {}).get("effective_route_context")
    return {**known, "template": effective and effective.path_format, "path": path_of(scope)}


async def test_each_address(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Route, endpoint, parameters, template and status are the same for every address and every method."""
    paths = {re.sub(r"\{\w+(:\w+)?\}", value, route.path or "") for route in routes_of(app) for value in _VALUES}
    addresses = [(method, path) for path in sorted(paths) for method in _METHODS]
    short = [await _found(app, *address) for address in addresses]
    app.router.middleware_stack = app.router.app
    long = [await _found(app, *address) for address in addresses]
    assert short == long
    assert sum(each["route"] is not None for each in short) > len(routes_of(app))
