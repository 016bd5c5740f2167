"""Who else uses a database: a restore replaces what others read and write."""

import asyncio
import secrets
import time

from pymongo import AsyncMongoClient

from parley_core.data.database import application_name
from parley_core.data.documents import Document
from parley_core.errors import StartupError

# Connections of a process that has ended are there for a moment longer.
_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.2
_OF_EARLIER_RELEASES = "parley"


def new_restore_name(database: str) -> str:
    """Return the name of a restore's own connections, which no other restore has."""
    return f"{_restores_of(database)}{secrets.token_hex(4)}"


async def refuse_if_used(client: AsyncMongoClient[Document], database: str, *, own_name: str) -> None:
    """Raise `StartupError` where an application, or another restore, is connected to use the database.

    Seen are the connections of the same MongoDB user, all where users don't log in; that needs no right.

    Args:
        client: a client of the server.
        database: the database.
        own_name: the name of this process's own connections.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while names := await _others(client, database, own_name):
        if time.monotonic() > deadline:
            what = "a restore" if any(name.startswith(_restores_of(database)) for name in names) else "Parley"
            raise StartupError(
                f"{what} runs on database '{database}': stop it on all machines, or restore into another database "
                "(PARLEY_MONGODB_DATABASE)"
            )
        await asyncio.sleep(_PAUSE_SECONDS)


async def _others(client: AsyncMongoClient[Document], database: str, own_name: str) -> list[str]:
    operations = {"allUsers": False, "idleConnections": True}
    named = {"appName": {"$exists": True, "$ne": own_name}}
    found = await client.admin.aggregate([{"$currentOp": operations}, {"$match": named}, {"$project": {"appName": 1}}])
    names = {str(one["appName"]) async for one in found}
    applications = {application_name(database), _OF_EARLIER_RELEASES}
    return [name for name in names if name in applications or name.startswith(_restores_of(database))]


def _restores_of(database: str) -> str:
    return f"parley-restore {database} "
