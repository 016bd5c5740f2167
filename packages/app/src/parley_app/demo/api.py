"""The API as the demo calls it: in this process, by the addresses and with the rights that everybody has."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from parley_core import Parley, StartupError

# Callers on this machine have no budget for registrations.
_BASE = "http://127.0.0.1/v1"


class Api:
    """Calls the API as different people.

    Args:
        client: a client of the application.
        paths: the addresses that the application has.
    """

    def __init__(self, client: httpx.AsyncClient, paths: Mapping[str, object]) -> None:
        self._client, self._paths = client, paths
        self._tokens: dict[str, str] = {}

    @classmethod
    @asynccontextmanager
    async def of(cls, app: FastAPI) -> AsyncIterator["Api"]:
        """Start an application for the time of the block."""
        parley: Parley = app.state.parley
        transport = httpx.ASGITransport(app=app)
        async with parley.lifespan(app), httpx.AsyncClient(transport=transport, base_url=_BASE) as client:
            yield cls(client, app.openapi()["paths"])

    def has(self, path: str) -> bool:
        """Return whether there is this address, like `/interviews`."""
        return f"/v1{path}" in self._paths

    async def log_in(self, email: str, password: str) -> None:
        """Let an account make calls."""
        answer = await self.call("POST", "/auth/login", {"email": email, "password": password})
        self._tokens[email] = answer["access_token"]

    async def call(self, method: str, path: str, body: Mapping[str, object], *, by: str = "") -> Any:
        """Return what is answered.

        Args:
            method: like `POST`.
            path: like `/interviews`.
            body: what is sent.
            by: the e-mail of whoever calls; "" for nobody.

        Raises:
            StartupError: it was refused.
        """
        headers = {"Authorization": f"Bearer {self._tokens[by]}"} if by else {}
        answer = await self._client.request(method, path, json=body, headers=headers)
        if answer.is_error:
            raise StartupError(f"the demo could not {method} {path}: {answer.json()['detail']}")
        return answer.json()
