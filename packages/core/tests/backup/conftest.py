"""Two databases of one test."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from parley_core.data.documents import Document
from parley_core.testing.backups import Copier


@pytest.fixture
async def copier(mongodb_uri: str, tmp_path: Path) -> AsyncIterator[Copier]:
    names = [f"test_{uuid.uuid4().hex[:20]}" for _ in range(2)]
    async with AsyncMongoClient[Document](mongodb_uri, w="majority", tz_aware=True) as client:
        source, target = (client[name] for name in names)
        yield Copier(tmp_path / "backup.tar", source, target)
        for name in names:
            await client.drop_database(name)
