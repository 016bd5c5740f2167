"""The stage on which a run of failures begins, and the look at the database with which it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cluster import TOKEN_MINUTES
from ledger import Ledger, problems_of_documents, problems_of_log, waiting
from writing import Stage

from parley_app import create_app
from parley_auth.testing import an_account, auth_settings
from parley_core import EventLog
from parley_core.data.database import database_of, open_client
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import create_interview


async def set_stage(settings: CoreSettings) -> Stage:
    """Create it by an application that is gone when the failures begin, so that its relay repairs nothing."""
    app = create_app([settings, auth_settings(access_token_minutes=TOKEN_MINUTES)])
    async with running_client(app) as client:
        admin, member, other = [await an_account(app, role) for role in ("admin", "candidate", "interviewer")]
        interview = await create_interview(client, admin, member)
    return Stage(admin, member, other, interview["id"])


@asynccontextmanager
async def looking(settings: CoreSettings) -> AsyncIterator[Any]:
    """Yield a handle of the database that doesn't relay."""
    uri, name = settings.mongodb_uri, settings.mongodb_database
    assert uri
    async with open_client(uri.get_secret_value(), database=name, timeout_seconds=5, pool_size=4) as client:
        yield database_of(client, name, event_types={}, recorded=(), invalidations={})


async def drained(database: Any) -> float:
    """Wait until nothing waits for the relay; return how long that took."""
    begun = asyncio.get_running_loop().time()
    while await waiting(database):  # noqa: ASYNC110 - other processes work on it
        await asyncio.sleep(0.05)
    return asyncio.get_running_loop().time() - begun


async def problems_of(database: Any, ledger: Ledger) -> list[str]:
    """Return what the database lacks, or has too much, of what was answered; the relay has nothing left to do."""
    log = EventLog(database)
    events = await log.after(0, limit=10_000_000)
    await log.close()
    return [*problems_of_log(events, ledger), *await problems_of_documents(events, database), *ledger.surprising]
