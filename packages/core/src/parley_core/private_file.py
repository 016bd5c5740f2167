"""A file that only its owner can read, such as a secret that is made once."""

import os
import secrets
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from parley_core.errors import StartupError

# A link isn't followed, and a pipe isn't waited for; Windows has neither flag.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_OF_OTHERS, _WRITABLE = 0o077, 0o022


def read_or_store(path: Path, make: Callable[[], str]) -> bytes:
    """Return the content of a private file, which is made first where there is none.

    Raises:
        StartupError: others could have written or read it, see `read_private`.
    """
    try:
        return read_private(path)
    except FileNotFoundError:
        store_once(path, make())
        return read_private(path)


def read_private(path: Path) -> bytes:
    """Return the content of a file that only this user can read and write.

    Whoever may create files in its folder, or gets the owner to copy one, could plant it. On Windows only what the
    file is gets checked.

    Raises:
        FileNotFoundError: there is none.
        StartupError: it is a link or no regular file, it or its folder belongs to another user, or others may read or
            write it or write in the folder. The message says whose it is, its mode, and the command that mends it.
    """
    check_folder(path.parent)
    # Before it is opened too: to open a device, or what another user owns, would do something or fail.
    _check(path, path.lstat())
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor))
        return file.read()


def check_folder(folder: Path) -> None:
    """Raise `StartupError` where others than this user may create and rename files in a folder."""
    _check_owner_and_mode(folder, folder.stat(), forbidden=_WRITABLE, mend="go-w")


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StartupError(f"{path} is a link or no regular file, so others could choose what is read: remove it")
    _check_owner_and_mode(path, status, forbidden=_OF_OTHERS, mend="go=")


def _check_owner_and_mode(path: Path, status: os.stat_result, *, forbidden: int, mend: str) -> None:
    if sys.platform == "win32":
        return
    user, mode = os.geteuid(), stat.S_IMODE(status.st_mode)
    if status.st_uid == user and not mode & forbidden:
        return
    name = shlex.quote(str(path))
    commands = [f"chown {user} {name}"] * (status.st_uid != user) + [f"chmod {mend} {name}"] * bool(mode & forbidden)
    raise StartupError(
        f"{path} belongs to user {status.st_uid} with mode {mode:04o}, and this process runs as user {user}: others "
        f"could have planted or read it; remove it, or if you trust it run: {' && '.join(commands)}"
    )


def replace_private(path: Path, content: bytes) -> None:
    """Store a content with mode 0600, in place of what is there; nobody sees a half-written file."""
    _draft_of(path, content).replace(path)


def _draft_of(path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    return draft


def store_once(path: Path, text: str) -> None:
    """Store a text with mode 0600, unless another process was first; nobody sees a half-written file."""
    draft = _draft_of(path, text.encode())
    try:
        os.link(draft, path)
    except FileExistsError:
        # Another process was first, and its text counts.
        return
    finally:
        draft.unlink()
