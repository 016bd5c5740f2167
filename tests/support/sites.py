"""A running application with people who use it, for tests in a browser."""

import itertools
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from nginx import documented, free_ports, running_nginx, server_of

from parley_app.testing import Serving, Start
from parley_core.testing.documented import Documented
from parley_interviews.testing import an_interview

PASSWORD = "nine green bottles"
_SECONDS = 20
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """An account and the headers that its owner sends to the API."""

    id: str
    name: str
    email: str
    headers: dict[str, str]


@dataclass
class Site:
    """A `parley serve` with an administrator.

    Args:
        start: starts it.
        url: where it is found, by way of a proxy too.
        options: how it listens there.
        mongodb_uri: where its data are.
    """

    start: Start
    url: str
    options: Sequence[str | Path]
    mongodb_uri: str

    def __post_init__(self) -> None:
        self._settings = {
            "PARLEY_MONGODB_URI": self.mongodb_uri,
            "PARLEY_MONGODB_DATABASE": f"test_{uuid.uuid4().hex[:20]}",
            "PARLEY_JWT_SECRET": secrets.token_urlsafe(48),
            "PARLEY_ADMIN_EMAIL": "admin@example.com",
            "PARLEY_ADMIN_PASSWORD": PASSWORD,
        }
        self.serve()
        answer = httpx.post(f"{self.url}/v1/auth/login", json=_login("admin@example.com"), timeout=_SECONDS)
        # Only for what tests set up: an account has few sessions at once, so a test logs in as somebody of its own.
        self.admin = Person("", "Admin", "admin@example.com", _headers(answer.json()))

    def serve(self) -> None:
        """Start the server, or start it again after it was stopped."""
        self.serving: Serving = self.start(*self.options, **self._settings)

    @cached_property
    def documented(self) -> Documented:
        """What its OpenAPI document says."""
        return Documented(httpx.get(f"{self.url}/openapi.json", timeout=_SECONDS).json())

    async def ask(self, person: Person, method: str, path: str, body: object = None) -> Any:
        """Send a request that succeeds as somebody, and return the body of the answer."""
        async with httpx.AsyncClient(base_url=self.url, timeout=_SECONDS, headers=person.headers) as client:
            answer = await client.request(method, path, json=body)
            assert answer.is_success, answer.text
            return answer.json() if answer.content else None

    async def person(self, role: str, name: str) -> Person:
        """Create an account of a role."""
        email = f"{name.split(maxsplit=1)[0].lower()}{next(_numbers)}@example.com"
        body = {"email": email, "role": role, "name": name, "password": PASSWORD}
        created = await self.ask(self.admin, "POST", "/v1/users", body)
        tokens = await self.ask(self.admin, "POST", "/v1/auth/login", _login(email))
        return Person(created["id"], name, email, _headers(tokens))

    async def interview(self, *people: Person, **changes: Any) -> dict[str, Any]:
        """Create an interview in which people take part."""
        participants = [{"user_id": person.id} for person in people]
        body = an_interview(participants=participants, **changes)
        return dict(await self.ask(self.admin, "POST", "/v1/interviews", body))


@contextmanager
def running_site(folder: Path, mongodb_uri: str, *, prefix: bool) -> Iterator[Site]:
    """Run an application on a port of its own, or behind nginx under /parley; without nginx the latter is skipped."""
    [port] = free_ports(1)
    url, start = f"http://127.0.0.1:{port}", Start(folder)
    with ExitStack() as running:
        running.callback(start.end_all)
        if not prefix:
            yield Site(start, url, ("--port", str(port)), mongodb_uri)
            return
        socket = folder / "parley.sock"
        running.enter_context(running_nginx(folder, [port], server_of("prefix", socket, port, documented()[2])))
        yield Site(start, f"{url}/parley", ("--uds", socket, "--root-path", "/parley"), mongodb_uri)


def _login(email: str) -> dict[str, str]:
    return {"email": email, "password": PASSWORD}


def _headers(tokens: Mapping[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}
