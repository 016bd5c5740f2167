"""`parley migrate`: what a start does of the migrations of stored data, without serving."""

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI

from parley_core import Parley
from parley_core.data.migrating import MigrationStatus


def status_of(app: FastAPI) -> Sequence[MigrationStatus]:
    """Return how far each migration is, and change nothing.

    Raises:
        StartupError: the database can't be used, or its data is newer than this process.
    """
    return asyncio.run(_status(app.state.parley))


def migrate(app: FastAPI) -> None:
    """Do all migrations and build the indexes; raise as `status_of` does, and when one of them fails."""
    asyncio.run(_migrate(app.state.parley))


async def _status(parley: Parley) -> Sequence[MigrationStatus]:
    async with parley.stored() as migrations:
        return await migrations.status()


async def _migrate(parley: Parley) -> None:
    async with parley.stored() as migrations:
        await migrations.prepare()
        await migrations.finish()
