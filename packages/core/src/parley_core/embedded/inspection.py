"""Whether an embedded MongoDB could be started on a data directory, found out without starting one."""

import os
from pathlib import Path

from parley_core.embedded.binary import find_mongod
from parley_core.embedded.paths import DataDirectory, locate, usable
from parley_core.errors import StartupError
from parley_core.private_file import check_folder


def inspect(data_dir: Path, *, mongod: Path | None = None) -> str:
    """Return what a start would run and where; nothing is created.

    Args:
        data_dir: the data directory.
        mongod: the binary to run; unset looks for one (`find_mongod`).

    Raises:
        StartupError: there is no binary, or the directory can't be used.
    """
    binary, place = find_mongod(mongod), locate(data_dir)
    with usable(place):
        _check(place)
    return f"{binary} would run on {place.path}, which {'is new' if place.is_new else 'has data'}"


def has_data(data_dir: Path) -> bool:
    """Return whether an embedded MongoDB has ever stored anything in a data directory."""
    place = locate(data_dir)
    with usable(place):
        return not place.is_new


def _check(place: DataDirectory) -> None:
    folder = next(folder for folder in (place.path, *place.path.parents) if folder.exists())
    if folder == place.path:
        check_folder(folder)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StartupError(f"{folder} is no folder that this user can write in: choose another --data-dir")
