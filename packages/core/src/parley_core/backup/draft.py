"""The file that a backup is written into: nobody finds it under its name before it is whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from parley_core.errors import StartupError


@contextmanager
def draft_of(path: Path) -> Iterator[BinaryIO]:
    """Open a new file, mode 0600, that gets its name after the block, and is removed where the block fails.

    A process that is killed leaves it under another name, `<name>.<random>.partial`.

    Raises:
        StartupError: there is a file of that name, now or when the block ends, or the system refuses to write.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    with _refusals(path):
        if os.path.lexists(path):
            raise FileExistsError
        try:
            with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _name(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def _name(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: here another file of that name would be replaced.
        draft.replace(path)
    # So that the name is there too after a power failure; Windows opens no folders.
    with suppress(PermissionError):
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise StartupError(f"{path} exists: choose another name for the backup") from None
    except OSError as error:
        raise StartupError(f"the backup {path} can't be written: {error.strerror}") from error
