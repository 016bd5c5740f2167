"""The key of cursors: one for each database, made by whichever worker is first."""

import asyncio

import pytest

from parley_core import Parley
from parley_core.data.cursor_key import cursor_key
from parley_core.data.stored_format import FORMAT
from parley_core.errors import InvalidCursor
from parley_core.http.cursors import Cursors
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

NOTES = a_plugin("notes", parley_events=[])


async def test_many_at_once(core_settings: CoreSettings) -> None:
    """Of many workers that start at once one makes the key, and all have it."""
    async with Parley([core_settings], plugins=[NOTES]).running() as parley:
        await parley.database[FORMAT].delete_many({"_id": "cursor_key"})
        keys = await asyncio.gather(*(cursor_key(parley.database) for _ in range(20)))
        assert len(set(keys)) == 1
        assert len(keys[0]) == 64
        assert await parley.database[FORMAT].count_documents({}) == 2


async def test_workers_and_restarts(core_settings: CoreSettings) -> None:
    """A cursor of one worker is valid in another, and after all have stopped."""
    async with Parley([core_settings], plugins=[NOTES]).running() as one:
        cursor = one.require(Cursors).seal(b"here", of="notes")
        async with Parley([core_settings], plugins=[NOTES]).running() as other:
            assert other.require(Cursors).unseal(cursor, of="notes") == b"here"
    async with Parley([core_settings], plugins=[NOTES]).running() as later:
        assert later.require(Cursors).unseal(cursor, of="notes") == b"here"
        await later.database[FORMAT].delete_one({"_id": "cursor_key"})
    async with Parley([core_settings], plugins=[NOTES]).running() as another:
        with pytest.raises(InvalidCursor):
            another.require(Cursors).unseal(cursor, of="notes")
