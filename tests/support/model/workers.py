"""Workers of one database, for runs of the model."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI

from model.people import Run, User
from parley_app import create_app
from parley_auth.accounts.repository import UserRepository
from parley_auth.testing import an_account, auth_settings, log_in
from parley_core.kernel.settings import CoreSettings
from parley_core.log.reader import EventLog, LogEntry
from parley_core.log.relay import Relay
from parley_core.testing import running_client

ROLES = ("admin", "admin", "interviewer", "interviewer", "interviewer", "candidate", "candidate", "candidate")


class Workers:
    """Workers of one database."""

    def __init__(self, app: FastAPI, clients: Sequence[httpx.AsyncClient]) -> None:
        self._parley, self._app, self._clients = app.state.parley, app, clients

    async def a_run(self, name: str, *, roles: Sequence[str] = ROLES) -> Run:
        """Return a run with accounts of its own, whose random choices begin with its name."""
        # Nobody is the last administrator, whatever becomes of those who are used.
        await an_account(self._app, "admin")
        users = [User.of(await an_account(self._app, role)) for role in ("admin", *roles)]
        chance = random.Random(name)  # noqa: S311 - a test's
        return Run(name, self._clients, users[0], {user.id: user for user in users}, chance)

    async def log(self, after: int = 0) -> list[LogEntry]:
        """Return the log behind a position, once all that waits is in it."""
        await self._parley.require(Relay).drain()
        log, entries = self._parley.require(EventLog), list[LogEntry]()
        while page := await log.after(after + len(entries), limit=1000):
            entries += page
        return entries

    async def log_in(self, user: User) -> dict[str, str]:
        """Return the headers of a new session."""
        return await log_in(self._parley, await self._parley.require(UserRepository).by_id(user.id))


@asynccontextmanager
async def running(settings: CoreSettings, number: int) -> AsyncIterator[Workers]:
    """Return so many workers. A busy machine is no violation: they wait longer for the database, and tokens last."""
    patient = settings.model_copy(update={"request_timeout_seconds": 60})
    apps = [create_app([patient, auth_settings(access_token_minutes=60)]) for _ in range(number)]
    async with AsyncExitStack() as stack:
        yield Workers(apps[0], [await stack.enter_async_context(running_client(app)) for app in apps])
