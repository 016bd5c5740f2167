"""One server per data directory: a lock that the kernel releases once every process that has it is gone."""

import os
import sys
import time
from pathlib import Path

from parley_core.embedded.paths import DataDirectory
from parley_core.embedded.record import Record
from parley_core.errors import StartupError

# A lock is tried again for a moment, since a reader may be testing it, and longer while a dead owner's server dies too.
_SECONDS_IF_OWNED = 0.5
_SECONDS_IF_ABANDONED = 10.0


class DataDirectoryInUse(StartupError):
    """Another process runs a server on this data directory."""


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Return a file descriptor that has the lock, or None if another process has it.

    The lock ends when the descriptor and its copies in child processes are closed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        _lock(descriptor, shared=shared)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    descriptor = try_lock(path, shared=True)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def claim(place: DataDirectory) -> int:
    """Lock the data directory for this process and say so in its record.

    Raises:
        DataDirectoryInUse: another process has the lock.
    """
    began = time.monotonic()
    while (descriptor := try_lock(place.lock)) is None:
        record = Record.read(place.record)
        patience = _SECONDS_IF_OWNED if record and record.owner_lives else _SECONDS_IF_ABANDONED
        if time.monotonic() - began > patience:
            owner = record.living if record else "another process"
            raise DataDirectoryInUse(
                f"the data directory {place.path} is in use by {owner}: stop it, or choose another --data-dir"
            )
        time.sleep(0.02)
    Record(owner=os.getpid()).write(place.record)
    return descriptor


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool) -> None:  # noqa: ARG001 - Windows has no shared locks: readers take turns
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
