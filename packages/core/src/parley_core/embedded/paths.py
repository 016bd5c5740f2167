"""The files of a data directory, and that they are private."""

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from parley_core.errors import StartupError
from parley_core.private_file import check_folder


@dataclass(frozen=True)
class DataDirectory:
    """A data directory by its real path. MongoDB's files are in `home` below it; all else is left alone."""

    path: Path

    @property
    def home(self) -> Path:
        return self.path / "mongodb"

    @property
    def files(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "mongod.log"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def users(self) -> Path:
        return self.home / "users"

    @property
    def record(self) -> Path:
        return self.home / "server.json"

    @property
    def is_new(self) -> bool:
        return not (self.files / "WiredTiger").exists()

    @property
    def crashed(self) -> bool:
        """Whether the last server on these files was not shut down properly: it empties this file last."""
        pid_file = self.files / "mongod.lock"
        return pid_file.exists() and pid_file.stat().st_size > 0


def locate(data_dir: Path) -> DataDirectory:
    """Return the data directory of a path, however that is written. Nothing is created."""
    return DataDirectory(Path(os.path.realpath(data_dir)))


def prepare(place: DataDirectory) -> None:
    """Create what is missing, 0700. A data directory that was there keeps its mode: it may contain other things.

    Raises:
        StartupError: others may write in it; MongoDB's part of it belongs to another user, or can't be made private.
    """
    place.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_folder(place.path)
    place.home.mkdir(mode=0o700, exist_ok=True)
    make_private(place.home)
    place.files.mkdir(mode=0o700, exist_ok=True)


def make_private(folder: Path) -> None:
    """Keep others out of a folder; raise `StartupError` where that isn't possible, or it is another user's."""
    if sys.platform == "win32":
        return
    owner = folder.lstat().st_uid
    if owner != os.geteuid():
        raise StartupError(
            f"{folder} belongs to user {owner} and this process runs as user {os.geteuid()}: run as that user, "
            f"or if you trust what is in it run: chown -R {os.geteuid()} {shlex.quote(str(folder))}, "
            "or choose another --data-dir"
        )
    if not folder.is_symlink():
        folder.chmod(0o700)
    if not is_private(folder):
        raise StartupError(
            f"{folder} can't be made private, being a link or on a file system without modes: choose another --data-dir"
        )


def is_private(folder: Path) -> bool:
    """Return whether this is a directory, no link, that only this user can enter."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


@contextmanager
def usable(place: DataDirectory) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into a StartupError that says why, and what helps."""
    try:
        yield
    except OSError as error:
        reason = f"{error}: repair that"
        if isinstance(error, PermissionError) and sys.platform != "win32":
            reason = _not_permitted(place, Path(error.filename or place.path))
        message = f"the data directory {place.path} can't be used: {reason}, or choose another --data-dir"
        raise StartupError(message) from error


def _not_permitted(place: DataDirectory, refused: Path) -> str:
    """Return whose the file or folder is that this user may not use, and the command that mends it."""
    there = next(path for path in (refused, *refused.parents) if os.path.lexists(path))
    status, user = there.lstat(), os.geteuid()
    return (
        f"{there} belongs to user {status.st_uid} with mode {stat.S_IMODE(status.st_mode):04o}, and this process "
        f"runs as user {user}: run as root: {_mending(place.path, there, is_own=status.st_uid == user)}"
    )


def _mending(data: Path, there: Path, *, is_own: bool) -> str:
    user = os.geteuid()
    if data not in (there, *there.parents):  # what is above the data directory is others' too
        return f"install -d -m 700 -o {user} {shlex.quote(str(data))}"
    if is_own:
        return f"chmod u+rwX {shlex.quote(str(there))}"
    return f"chown -R {user} {shlex.quote(str(data))}"
