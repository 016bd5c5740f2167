"""Backups of one database, restored into another one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pymongo.asynchronous.database import AsyncDatabase

from parley_core.backup.backing_up import Contents, back_up
from parley_core.backup.declared import Revocation
from parley_core.backup.manifest import Manifest
from parley_core.backup.occupancy import new_restore_name
from parley_core.backup.reading import verified
from parley_core.backup.restoring import Restore, Wishes
from parley_core.data.documents import Document

Database = AsyncDatabase[Document]


@dataclass
class Copier:
    """Backs one database up and restores it into the other.

    Args:
        path: the file.
        source: the first database.
        target: the second.
    """

    path: Path
    source: Database
    target: Database
    said: list[str] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first collection is done."""

    def say(self, line: str) -> None:
        """Note a line of progress."""
        self.said.append(line)
        self.has_begun.set()

    async def back_up(self, **keys: bytes) -> Manifest:
        """Make the backup."""
        return await back_up(self.source, self.path, Contents({"core": "1.2.3"}, keys), self.say)

    async def restore(
        self,
        *revocations: Revocation,
        replaces: bool = False,
        before_last: Callable[[], None] = lambda: None,
    ) -> None:
        """Restore it."""
        name = new_restore_name(self.target.name)
        wishes = Wishes(replaces=replaces, revocations=revocations, own_name=name, before_last=before_last)
        with verified(self.path) as archive:
            await Restore(archive, self.target, wishes, self.say).run()


async def contents(database: Database) -> dict[str, list[Document]]:
    """What is stored, by collection."""
    names = sorted(name for name in await database.list_collection_names() if not name.startswith("system."))
    return {name: await database[name].find({}).to_list() for name in names}
