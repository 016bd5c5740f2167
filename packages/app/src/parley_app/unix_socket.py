"""A Unix domain socket on which `parley serve` accepts connections in place of a port."""

import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from parley_app.listening import BACKLOG
from parley_core import StartupError

# For the user and the group of the process. Who can connect is believed what a proxy says about its callers.
_MODE = 0o660
_PROBE_SECONDS = 1.0
_LOCK_SECONDS = 5.0
_PAUSE_SECONDS = 0.02


@contextmanager
def listen_at(path: Path) -> Iterator[socket.socket]:
    """Listen at a path, which is a socket of mode 0660 until the end, and then is removed.

    A socket that a killed process has left there is replaced; one on which somebody listens never is.

    Raises:
        StartupError: somebody listens there, something else is there, or the path can't be used.
    """
    try:
        with _only_one_in(path.parent):
            if _is_left(path):
                path.unlink()
            listener = _bound(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error
    with listener:
        mark = _mark_of(path)
        try:
            yield listener
        finally:
            with suppress(OSError), _only_one_in(path.parent):
                # By now another process may have replaced it.
                if _mark_of(path) == mark:
                    path.unlink()


def check_free(path: Path) -> None:
    """Raise `StartupError` where `listen_at` would, as far as nothing has to be changed to see it."""
    try:
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(f"this user can make no socket in {path.parent}")
        _is_left(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> StartupError:
    return StartupError(f"can't listen at {path} ({error}): choose another --uds")


def _bound(path: Path) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("this system has no Unix domain sockets")
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        # Nobody can connect before it listens, however open it was made.
        path.chmod(_MODE)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _is_left(path: Path) -> bool:
    """Return whether a socket is there on which nobody listens; False where nothing is there.

    Raises:
        OSError: there is anything else.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise FileExistsError("what is there is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except (BlockingIOError, TimeoutError):
            # Its queue is full, so somebody has one.
            pass
    raise FileExistsError("another process listens there")


def _mark_of(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from one that has its name and its number later; neither mode nor owner changes it."""
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


@contextmanager
def _only_one_in(folder: Path) -> Iterator[None]:
    """Keep others that would replace a socket in this folder waiting.

    Raises:
        OSError: the folder isn't there, or another process has it for long.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - Windows has no such module

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + _LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"another process has locked {folder}") from None
                time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)
