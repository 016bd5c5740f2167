"""`parley set-password` and `parley link`, run as a shell runs them, beside an application on the same database."""

import asyncio
import functools
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic_settings import BaseSettings
from typer.testing import CliRunner, Result

import parley_auth.plugin
from parley_auth import commands
from parley_auth.accounts.repository import UserHistory
from parley_auth.links.models import LinkToken
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application

NEW = "ten blue bottles"


class Shell:
    """Runs commands in a thread, as another process would, with the settings of the application's deployment."""

    def __init__(self, core: CoreSettings, clock: MovableClock) -> None:
        self._core = core
        self._clock = clock

    async def run(self, *arguments: str, standard_input: str | None = None) -> Result:
        work = functools.partial(CliRunner().invoke, commands.app, arguments, obj=self._made, input=standard_input)
        return await asyncio.to_thread(work)

    async def set_password(self, email: str, password: str) -> Result:
        return await self.run("set-password", "--email", email, "--password-stdin", standard_input=password)

    def _made(self, _settings: Sequence[BaseSettings]) -> FastAPI:
        return an_application([self._core, auth_settings()], [parley_auth.plugin], clock=self._clock)


@pytest.fixture
def shell(core_settings: CoreSettings, clock: MovableClock, client: httpx.AsyncClient) -> Shell:
    return Shell(core_settings, clock)


@pytest.fixture
async def owner(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "admin", email="ada@example.com", password=PASSWORD)


async def log_in(client: httpx.AsyncClient, password: str) -> int:
    body = {"email": "ada@example.com", "password": password}
    return (await client.post("/v1/auth/login", json=body)).status_code


async def last_entry(app: FastAPI, user_id: str) -> tuple[str, str | None, Any]:
    entries, _ = await UserHistory(app.state.parley.database).page(user_id, limit=50, offset=0)
    return entries[-1].type, entries[-1].actor, entries[-1].changes


def message_of(result: Result) -> str:
    assert isinstance(result.exception, StartupError)
    return str(result.exception)


class TestSetPassword:
    async def test_replaces_it(self, app: FastAPI, client: httpx.AsyncClient, shell: Shell, owner: Account) -> None:
        """The new password logs in, the old one doesn't, and the sessions end on the next request; it is recorded."""
        result = await shell.set_password(" Ada@Example.com", f"{NEW}\r\n")
        expected = "The password of ada@example.com is set, and every session of the account has ended.\n"
        assert (result.exit_code, result.output) == (0, expected)
        assert (await client.get("/v1/users/me", headers=owner.headers)).status_code == 401
        assert [await log_in(client, password) for password in (PASSWORD, NEW)] == [401, 200]
        changes: dict[str, Any] = {"password": {"from": {}, "to": {}}}
        assert await last_entry(app, owner.id) == ("user.password_reset", None, changes)

    async def test_invited(self, app: FastAPI, client: httpx.AsyncClient, shell: Shell) -> None:
        """An invited account becomes active with it; its e-mail stays unproved, and its link no longer works."""
        invited = await an_account(app, email="ada@example.com", invited=True)
        link = (await shell.run("link", "--email", "ada@example.com")).output.split("/")[-1].strip()
        assert (await shell.set_password("ada@example.com", NEW)).exit_code == 0
        stored = await app.state.parley.database.users.find_one({"_id": invited.id})
        assert (stored["state"], stored["verified"], "link" in stored) == ("active", False, False)
        assert await log_in(client, NEW) == 200
        answer = await client.post("/v1/auth/accept", json={"token": link, "password": PASSWORD})
        assert answer.json()["code"] == "invalid_link"
        changes = {"password": {"from": {}, "to": {}}, "state": {"from": "invited", "to": "active"}}
        assert await last_entry(app, invited.id) == ("user.password_reset", None, changes)

    @pytest.mark.parametrize(
        ("password", "message"),
        [
            ("qxz7!", "the password is refused: The password must have at least 8 characters"),
            ("iloveyou", "the password is refused: This password is one of the most common passwords"),
            ("qxz7!" * 30, "the password is refused: String should have at most 128 characters"),
        ],
        ids=["short", "common", "long"],
    )
    async def test_refused(
        self, client: httpx.AsyncClient, shell: Shell, owner: Account, password: str, message: str
    ) -> None:
        """A refused password is one line that doesn't show it, and nothing changes."""
        result = await shell.set_password("ada@example.com", password)
        assert message_of(result).startswith(message)
        assert "qxz7!" not in message_of(result) + result.output
        assert (await client.get("/v1/users/me", headers=owner.headers)).status_code == 200

    @pytest.mark.parametrize("command", ["set-password", "link"])
    async def test_no_account(self, app: FastAPI, shell: Shell, command: str) -> None:
        """An e-mail that no account has, and one of an inactive account, are one line each and an error."""
        await an_account(app, email="gone@example.com", active=False)
        options = ["--password-stdin"] if command == "set-password" else []
        found = [
            await shell.run(command, "--email", email, *options, standard_input=NEW)
            for email in ("Nobody@example.com", "gone@example.com", "no e-mail")
        ]
        assert [message_of(result) for result in found] == [
            "no account has the e-mail nobody@example.com",
            "gone@example.com: This user's account is not active; reactivate it first",
            "no account has the e-mail no e-mail",
        ]
        assert {result.exit_code for result in found} == {1}

    async def test_password_is_no_argument(self, shell: Shell) -> None:
        """The password comes only from standard input, so that no process list shows it."""
        assert (await shell.run("set-password", "--email", "ada@example.com", standard_input=NEW)).exit_code == 2


class TestLink:
    async def test_for_what_the_account_needs(
        self, app: FastAPI, client: httpx.AsyncClient, shell: Shell, owner: Account
    ) -> None:
        """It prints the path and until when it works; the same as an administrator gets, in the name of the system."""
        invited = await an_account(app, email="grace@example.com", invited=True)
        for account, first in [
            (owner, "Reset for ada@example.com, for one use until 2027-03-01T13:00:00Z:"),
            (invited, "Invitation for grace@example.com, for one use until 2027-03-04T12:00:00Z:"),
        ]:
            result = await shell.run("link", "--email", account.user.email)
            line, path = result.output.splitlines()
            token = path.removeprefix("/console#/accept/")
            assert (result.exit_code, line) == (0, first)
            assert LinkToken.parse(token) is not None
            purpose = first.partition(" ")[0].lower()
            changes = {"purpose": {"from": None, "to": purpose}}
            assert await last_entry(app, account.id) == ("user.link_created", None, changes)
            answer = await client.post("/v1/auth/accept", json={"token": token, "password": NEW})
            assert answer.status_code == 200

    async def test_purpose(self, shell: Shell, owner: Account) -> None:
        """A purpose that doesn't fit the account is one line that names the other; an unknown one is a usage error."""
        result = await shell.run("link", "--email", owner.user.email, "--purpose", "invitation")
        assert message_of(result).startswith("ada@example.com: This account has a password")
        assert message_of(result).endswith("create a link with the purpose reset")
        assert (await shell.run("link", "--email", owner.user.email, "--purpose", "reset")).exit_code == 0
        assert (await shell.run("link", "--email", owner.user.email, "--purpose", "welcome")).exit_code == 2
