"""Backups of the database that the settings name, and restores into it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from parley_core.backup.backing_up import Contents, back_up
from parley_core.backup.errors import UnusableBackup
from parley_core.backup.manifest import Manifest
from parley_core.backup.occupancy import new_restore_name
from parley_core.backup.reading import Archive, verified
from parley_core.backup.restoring import Restore, Wishes
from parley_core.backup.schemas import newer_than_known
from parley_core.backup.snapshot import long_window
from parley_core.data.database import open_client
from parley_core.data.migrating import known_numbers, migrations_of
from parley_core.errors import StartupError
from parley_core.kernel.backup_keys import BackupKeys
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings
from parley_core.ownership import single_owner

_POOL_SIZE = 4


class Backups:
    """Makes and restores backups.

    Args:
        core: which database.
        plugins: whose data is in it.
        say: called with a line now and then.

    Raises:
        StartupError: two plugins declare one key file.
    """

    def __init__(self, core: CoreSettings, plugins: Plugins, say: Callable[[str], None]) -> None:
        self._core = core
        self._plugins = plugins
        self._say = say
        self._name = core.mongodb_database
        self._uri = core.mongodb_uri.get_secret_value() if core.mongodb_uri else None
        key_files = single_owner(plugins.key_files(), lambda one: [one.name], what="key file").values()
        data_dir = None if self._uri else core.data_dir.absolute()
        self._keys = BackupKeys(data_dir, [declared.value for declared in key_files])

    def make(self, path: Path, *, with_keys: bool) -> Manifest:
        """Write a backup into a new file, beside a running application or without one; return its manifest.

        Raises:
            StartupError: it can't be made.
        """
        packages = {plugin.name: plugin.version for plugin in self._plugins.info()}
        contents = Contents(packages=packages, keys=self._keys.stored() if with_keys else {})
        with self._source() as uri:
            manifest = asyncio.run(self._back_up(uri, path, contents))
        for line in self._keys.left_out_of(contents.keys):
            self._say(line)
        return manifest

    def restore(self, path: Path, *, replaces: bool, revokes: bool) -> Manifest:
        """Verify a backup and restore it; return its manifest.

        Args:
            path: the file.
            replaces: whether data that is there may be replaced.
            revokes: whether what was granted to callers, such as sessions, is taken away.

        Raises:
            UnusableBackup: it can't be read; nothing was written.
            StartupError: it can't be restored here.
        """
        with verified(path) as archive:
            self._check_known(path, archive.manifest)
            self._keys.check(archive, replaces=replaces)
            wishes = Wishes(
                replaces=replaces,
                revocations=[declared.value for declared in self._plugins.revocations()] if revokes else [],
                own_name=new_restore_name(self._name),
                before_last=partial(self._keys.store, archive),
            )
            with self._target() as uri:
                asyncio.run(self._restore(uri, archive, wishes))
            self._say_what_differs(archive)
            return archive.manifest

    @contextmanager
    def _source(self) -> Iterator[str]:
        if self._uri:
            yield self._uri
            return
        from parley_core.embedded import embedded_mongodb, has_data  # noqa: PLC0415 - who names a server never needs it

        core = self._core
        if not has_data(core.data_dir):
            raise StartupError(f"{core.data_dir.absolute()} has no database: set --data-dir, or PARLEY_MONGODB_URI")
        with embedded_mongodb(core.data_dir, mongod=core.mongod, announce=self._say) as uri:
            yield uri

    @contextmanager
    def _target(self) -> Iterator[str]:
        if self._uri:
            yield self._uri
            return
        from parley_core.embedded import EmbeddedMongoDB  # noqa: PLC0415 - see above

        # Started here and never shared, so that no application runs on it.
        with EmbeddedMongoDB.start(self._core.data_dir, mongod=self._core.mongod, announce=self._say) as server:
            yield server.uri

    async def _back_up(self, uri: str, path: Path, contents: Contents) -> Manifest:
        name = f"parley-backup {self._name}"
        async with (
            open_client(uri, database=self._name, timeout_seconds=None, pool_size=_POOL_SIZE, name=name) as client,
            # The user of a MongoDB of one's own may not change its settings.
            nullcontext() if self._uri else long_window(client),
        ):
            return await back_up(client[self._name], path, contents, self._say)

    async def _restore(self, uri: str, archive: Archive, wishes: Wishes) -> None:
        async with open_client(
            uri, database=self._name, timeout_seconds=None, pool_size=_POOL_SIZE, name=wishes.own_name
        ) as client:
            await Restore(archive, client[self._name], wishes, self._say).run()

    def _say_what_differs(self, archive: Archive) -> None:
        here = {plugin.name for plugin in self._plugins.info()}
        if absent := sorted(archive.manifest.packages.keys() - here):
            self._say(f"Restored with data of plugins that are not installed here: {', '.join(absent)}.")
        for line in self._keys.missing_after(archive):
            self._say(line)

    def _check_known(self, path: Path, manifest: Manifest) -> None:
        known = known_numbers(migrations_of(self._plugins.names, self._plugins.migrations()))
        newer = newer_than_known(manifest.needed_numbers, known)
        if newer:
            raise UnusableBackup(
                f"{path}: a newer release has stored this data, {', '.join(newer)}: restore it with that"
            )
