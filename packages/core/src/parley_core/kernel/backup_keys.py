"""The key files of a data directory, as a backup takes them along and a restore puts them back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from parley_core.backup.declared import KeyFile, check_key_name
from parley_core.backup.reading import Archive
from parley_core.errors import StartupError
from parley_core.private_file import read_private, replace_private


class BackupKeys:
    """The key files of one data directory.

    Args:
        data_dir: the directory; None where a MongoDB server is named, whose keys are settings.
        declared: the key files that the plugins declare.
    """

    def __init__(self, data_dir: Path | None, declared: Iterable[KeyFile]) -> None:
        self._data_dir = data_dir
        self._declared: Sequence[KeyFile] = tuple(declared)

    def stored(self) -> Mapping[str, bytes]:
        """Return the content of each key file that is there.

        Raises:
            StartupError: the keys are settings, or others than this user could have read or written a file.
        """
        if self._data_dir is None:
            raise StartupError("--with-keys is for an embedded database: with PARLEY_MONGODB_URI the keys are settings")
        found = {one.name: _content(self._data_dir / one.name) for one in self._declared}
        return {name: content for name, content in found.items() if content is not None}

    def check(self, archive: Archive, *, replaces: bool) -> None:
        """Raise `StartupError` where a key of the backup would replace another one and that isn't wanted."""
        for name in archive.manifest.keys:
            check_key_name(name)
            if self._data_dir is None or replaces:
                continue
            if _content(path := self._data_dir / name) not in (None, archive.key(name)):
                raise StartupError(f"{path} is another key than the backup's: --replace replaces it")

    def store(self, archive: Archive) -> None:
        """Store the backup's keys in the data directory."""
        if self._data_dir is not None:
            for name in archive.manifest.keys:
                replace_private(self._data_dir / name, archive.key(name))

    def left_out_of(self, backup: Iterable[str]) -> Iterator[str]:
        """Yield a line for each key file that is there and not in a backup of these."""
        if self._data_dir is None:
            yield "Secrets that are settings are not in a backup: keep them elsewhere."
            return
        names = set(backup)
        for one in self._declared:
            if one.name not in names and (self._data_dir / one.name).exists():
                yield f"Not in the backup without --with-keys: {one.name}. {one.without}"

    def missing_after(self, archive: Archive) -> Iterator[str]:
        """Yield a line for each key that a restored database lacks."""
        if self._data_dir is None:
            if archive.manifest.keys:
                yield f"Not used, because the keys are settings here: {', '.join(archive.manifest.keys)}."
            return
        for one in self._declared:
            if one.name not in archive.manifest.keys:
                yield f"Not in the backup: {one.name}. {one.without}"


def _content(path: Path) -> bytes | None:
    try:
        return read_private(path)
    except FileNotFoundError:
        return None
