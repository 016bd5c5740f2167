"""The number of the format in which data is stored, which a start checks before it reads anything."""

from pymongo.asynchronous.database import AsyncDatabase

from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.errors import StartupError

FORMAT, FORMAT_ID = "stored_format", "format"
NUMBER = 2
"""What release 0.1.0 knows. Migrations raise schema numbers instead, which each plugin has (`schema_numbers`)."""
_OLDEST = 1
"""The oldest format whose data a start can bring up to date, by a migration."""
RESTORING = "restoring"
"""In place of the number while a restore replaces what is stored: no release starts on that, nor did an older one."""


async def check_format(database: Database) -> None:
    """Check that a start can read the data, be it after it has brought them up to date; store nothing.

    Raises:
        StartupError: the data was written by a release that stores it in another way.
    """
    await refuse_unfinished(database)
    found = await database[FORMAT].find_one({"_id": FORMAT_ID})
    if found and found.get("number") not in range(_OLDEST, NUMBER + 1):
        raise StartupError(
            f"database '{database.name}' has the stored format {found.get('number')}, and this release reads format "
            f"{NUMBER}: start the release that wrote it, or name another database in PARLEY_MONGODB_DATABASE"
        )


async def store_format(database: Database) -> None:
    """Store the number in a database that has none yet, or an older one whose data this start brings up to date.

    That comes before any data is changed, so that an older release never starts on data that is half new.

    Raises:
        StartupError: another process has stored the number of a newer release meanwhile.
    """
    formats = database[FORMAT]
    await formats.update_one({"_id": FORMAT_ID}, {"$setOnInsert": {"number": NUMBER}}, upsert=True)
    older = {"_id": FORMAT_ID, "number": {"$gte": _OLDEST, "$lt": NUMBER}}
    await formats.update_one(older, {"$set": {"number": NUMBER}})
    await check_format(database)


async def refuse_unfinished(database: AsyncDatabase[Document]) -> None:
    """Raise `StartupError` where a restore has begun to replace what is stored, and has not finished."""
    if await is_unfinished(database):
        raise StartupError(
            f"a restore into database '{database.name}' has not finished, so that its data is incomplete: "
            "repeat `parley restore`"
        )


async def is_unfinished(database: AsyncDatabase[Document]) -> bool:
    """Return whether a restore has begun to replace what is stored, and has not finished."""
    return await database[FORMAT].find_one({"_id": FORMAT_ID, "number": RESTORING}) is not None


async def note_restore(database: AsyncDatabase[Document]) -> Document | None:
    """Store that a restore replaces what is stored from now on; return what stood there."""
    return await database[FORMAT].find_one_and_update({"_id": FORMAT_ID}, {"$set": {"number": RESTORING}}, upsert=True)


async def forget_restore(database: AsyncDatabase[Document], before: Document | None) -> None:
    """Take that back, where nothing was replaced yet.

    Args:
        database: the database.
        before: what `note_restore` returned.
    """
    if before is None:
        await database[FORMAT].delete_one({"_id": FORMAT_ID})
    else:
        await database[FORMAT].replace_one({"_id": FORMAT_ID}, before)
