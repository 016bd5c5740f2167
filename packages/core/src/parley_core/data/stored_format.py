"""The number of the format in which data is stored, which a start checks before it reads anything."""

from collections.abc import Container

from parley_core.data.handle import Database
from parley_core.errors import StartupError

FORMAT, FORMAT_ID = "stored_format", "format"
NUMBER = 2
"""Raised by a release whose stored data an older one would misread."""
_OLDEST = 1
"""The oldest format whose data a start can bring up to date, by `CollectionIndexes(renamed=...)`."""


async def check_format(database: Database) -> None:
    """Store the number in a database that has none yet, or an older one whose data this start brings up to date.

    That comes before any data is changed, so that an older release never starts on data that is half new.

    Raises:
        StartupError: the data was written by a release that stores it in another way.
    """
    formats = database[FORMAT]
    await formats.update_one({"_id": FORMAT_ID}, {"$setOnInsert": {"number": NUMBER}}, upsert=True)
    older = {"_id": FORMAT_ID, "number": {"$gte": _OLDEST, "$lt": NUMBER}}
    await formats.update_one(older, {"$set": {"number": NUMBER}})
    await _check_number(database, {NUMBER})


async def check_readable(database: Database) -> None:
    """Check, and store nothing, that a start could read the data, be it after it has brought them up to date.

    Raises:
        StartupError: the data was written by a release that stores it in another way.
    """
    if await database[FORMAT].find_one({"_id": FORMAT_ID}):
        await _check_number(database, range(_OLDEST, NUMBER + 1))


async def _check_number(database: Database, readable: Container[object]) -> None:
    found = await database[FORMAT].find_one({"_id": FORMAT_ID})
    if found is None or found["number"] not in readable:
        number = found["number"] if found else "unknown"
        raise StartupError(
            f"database '{database.name}' has the stored format {number}, and this release reads format {NUMBER}: "
            "start the release that wrote it, or name another database in PARLEY_MONGODB_DATABASE"
        )
