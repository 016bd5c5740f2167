"""The key that seals cursors: made once for each database, so that its workers share it without a setting."""

import secrets

from parley_core.data.handle import Database
from parley_core.data.stored_format import FORMAT

KEY_ID = "cursor_key"
_BYTES = 64


async def cursor_key(database: Database) -> bytes:
    """Return the database's key; the first worker that starts makes it, and of several at once one does."""
    keys, made = database[FORMAT], {"$setOnInsert": {"key": secrets.token_bytes(_BYTES)}}
    await keys.update_one({"_id": KEY_ID}, made, upsert=True)
    [found] = await keys.find({"_id": KEY_ID}).to_list()
    return bytes(found["key"])
