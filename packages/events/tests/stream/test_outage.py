"""Streams of the log while MongoDB is away, and after it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parley_core.kernel.settings import CoreSettings
from parley_core.testing.servers import OwnMongoDB
from parley_core.testing.streams import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Stage

ADDRESS = "/v1/events/stream"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnMongoDB]:
    database = OwnMongoDB(tmp_path / "data")
    yield database
    database.server.stop()


@pytest.fixture
def core_settings(own: OwnMongoDB) -> CoreSettings:
    return CoreSettings(mongodb_uri=own.server.uri, mongodb_database="outage")  # type: ignore[arg-type]


async def test_restart(own: OwnMongoDB, stage: Stage) -> None:
    """Open streams send what is written after MongoDB was killed and is back, without a gap or a repeat.

    A stream whose access was taken away meanwhile ends instead.
    """
    other, head = await stage.another_admin(), await stage.relayed()
    async with (
        stage.served() as server,
        listening(server, ADDRESS, stage.headers, after=head) as kept,
        listening(server, ADDRESS, other.headers, after=head) as cut,
    ):
        await stage.create()
        assert [[event.id for event in await stream.events(1)] for stream in (kept, cut)] == [[head + 1]] * 2
        await own.restart()
        await stage.database["users"].update_one({"_id": other.id}, {"$set": {"active": False}})
        for _ in range(20):
            await stage.create()
        assert [event.id for event in await kept.events(20)] == list(range(head + 2, head + 22))
        assert await cut.rest(5) == []
