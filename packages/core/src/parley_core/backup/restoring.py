"""Restoring a backup: all of it is loaded beside what is there, and then takes its place.

Until everything is loaded, nothing of what is there has changed. From then until the last collection is in its place no
application starts on the database, and a repeated restore goes through.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from parley_core.backup.declared import Revocation
from parley_core.backup.occupancy import refuse_if_used
from parley_core.backup.progress import Progress
from parley_core.backup.reading import Archive
from parley_core.backup.snapshot import describe
from parley_core.backup.staging import Staging, staged_name
from parley_core.data.documents import Document
from parley_core.data.invalidation import GENERATIONS
from parley_core.data.stored_format import FORMAT, forget_restore, is_unfinished, note_restore
from parley_core.errors import StartupError


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is wanted of a restore.

    Args:
        replaces: whether what is stored may be replaced.
        revocations: what is done to the restored documents.
        own_name: the name of the restore's own connections.
        before_last: called when everything but the last step is done.
    """

    replaces: bool
    revocations: Sequence[Revocation]
    own_name: str
    before_last: Callable[[], None]


class Restore:
    """One restore.

    Args:
        archive: the verified backup.
        database: where to, of a client without a timeout.
        wishes: how.
        say: called with a line now and then.
    """

    def __init__(
        self, archive: Archive, database: AsyncDatabase[Document], wishes: Wishes, say: Callable[[str], None]
    ) -> None:
        self._archive = archive
        self._database = database
        self._wishes = wishes
        self._staging = Staging(database, Progress(say))
        # The collection of formats is the last one: it takes the place of the note that the restore is unfinished.
        self._collections = sorted(archive.collections(), key=lambda one: (one.name == FORMAT, one.name))

    async def run(self) -> None:
        """Restore.

        Raises:
            StartupError: an application or another restore runs on the database, it isn't empty, or MongoDB failed.
            UnusableBackup: the backup has changed since it was verified.
        """
        async with self._failures():
            await self._refuse_if_used()
            await self._refuse_unless_replaceable()
            await self._staging.clear()
            try:
                await self._load()
                await self._replace()
            finally:
                await self._staging.clear()

    async def _refuse_if_used(self) -> None:
        await refuse_if_used(self._database.client, self._database.name, own_name=self._wishes.own_name)

    async def _refuse_unless_replaceable(self) -> None:
        if self._wishes.replaces or await is_unfinished(self._database):
            return
        if await describe(self._database):
            raise StartupError(
                f"database '{self._database.name}' has data: --replace replaces all of it, or restore into another "
                "database (PARLEY_MONGODB_DATABASE, or --data-dir)"
            )

    async def _load(self) -> None:
        for one in self._collections:
            if one.kind == "collection":
                await self._staging.load(one, self._archive.documents(one.name))
        for revocation in self._wishes.revocations:
            await self._update(revocation.collection, revocation.update)
        # By more than writers can have advanced them, so that no kept answer of before is ever current again.
        await self._update(GENERATIONS, {"$inc": {"n": time.time_ns() // 1_000_000}})

    async def _update(self, collection: str, update: object) -> None:
        if found := next((one for one in self._collections if one.name == collection), None):
            await self._database[staged_name(found)].update_many({}, update)  # type: ignore[arg-type]

    async def _replace(self) -> None:
        before = await note_restore(self._database)
        try:
            # An application that connects later sees the note.
            await self._refuse_if_used()
        except BaseException:
            await forget_restore(self._database, before)
            raise
        await self._drop_others()
        for one in self._collections:
            if one.kind == "timeseries":
                await self._staging.load(one, self._archive.documents(one.name))
            elif one.kind == "view":
                await self._database.command({"create": one.name, **one.options})
            elif one.name != FORMAT:
                await self._staging.put_in_place(one)
        self._wishes.before_last()
        await self._finish()

    async def _drop_others(self) -> None:
        """Drop what isn't replaced by a collection of the backup."""
        staying = {one.name for one in self._collections if one.kind == "collection"} | {FORMAT}
        for one in await describe(self._database):
            if one.name not in staying or one.kind != "collection":
                await self._database.drop_collection(one.name)

    async def _finish(self) -> None:
        if self._collections and self._collections[-1].name == FORMAT:
            await self._staging.put_in_place(self._collections[-1])
        else:
            await self._database.drop_collection(FORMAT)

    @asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        try:
            yield
        except OperationFailure as error:
            raise StartupError(f"MongoDB refused a step of the restore (code {error.code}); repeat it") from error
        except PyMongoError as error:
            raise StartupError(
                f"MongoDB did not answer during the restore ({type(error).__name__}); repeat it"
            ) from error
