"""Where the server listens: a Unix domain socket that only this user can reach."""

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from parley_core.embedded.paths import DataDirectory, is_private
from parley_core.errors import StartupError

# mongod splits its list of addresses at commas and a member's host at colons and brackets.
_MISREAD_BY_MONGOD = frozenset(",:[]")
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """`host` is what the replica set calls the server: a socket's path, or host:port on Windows."""

    host: str

    @property
    def options(self) -> tuple[str, ...]:
        if self._port:
            return "--bind_ip", _LOOPBACK, "--port", self._port
        # Without --nounixsocket a second socket appears in /tmp, which two servers would fight for.
        return "--bind_ip", self.host, "--nounixsocket"

    @property
    def uri(self) -> str:
        return f"mongodb://{quote(self.host, safe=':')}/?directConnection=true"

    def accepts(self) -> bool:
        """Return whether a server takes connections here now."""
        family = socket.AF_INET if self._port else socket.AF_UNIX
        with socket.socket(family) as probe:
            try:
                probe.connect((_LOOPBACK, int(self._port)) if self._port else self.host)
            except (ConnectionRefusedError, FileNotFoundError):
                return False
        return True

    @property
    def _port(self) -> str:
        return self.host.partition(":")[2]


def listening_address(place: DataDirectory) -> Address:
    """Return where the server of this data directory listens. Call it under the directory's lock.

    The socket is in the data directory, or, where its path is too long (107 bytes on Linux) or the file
    system has no sockets, in a private runtime directory with a name that follows from the data directory's.

    Raises:
        StartupError: there is no private place for a socket.
    """
    if sys.platform == "win32":
        return Address(f"{_LOOPBACK}:{_free_port()}")
    for folder in _socket_folders(place):
        path = folder / "mongod.sock"
        if _can_listen(path):
            return Address(str(path))
    raise StartupError(
        f"no socket can be made for the data directory {place.path}: choose a --data-dir with a shorter path, "
        "or set XDG_RUNTIME_DIR to a private directory with a short one"
    )


def remove_socket(place: DataDirectory, address: Address) -> None:
    """Remove the socket, and the runtime directory that was made for it."""
    path = Path(address.host)
    if not path.is_absolute():
        return
    # Cleaners of temporary directories may have been here first.
    with suppress(FileNotFoundError):
        path.unlink(missing_ok=True)
        if path.parent != place.home:
            path.parent.rmdir()


def _socket_folders(place: DataDirectory) -> Iterator[Path]:
    yield place.home
    name = f"parley-{os.geteuid()}-{hashlib.sha256(os.fsencode(place.path)).hexdigest()[:16]}"
    bases = (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp")  # noqa: S108 - what is made there is checked
    for base in dict.fromkeys(map(Path, bases)):
        if base.is_absolute() and os.access(base, os.W_OK | os.X_OK):
            yield _runtime_folder(base / name)


def _runtime_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_private(folder):
        raise StartupError(f"{folder} is not a private directory of this user, so others could plant it: remove it")
    return folder


def _can_listen(path: Path) -> bool:
    if _MISREAD_BY_MONGOD.intersection(str(path)) or not str(path).isprintable():
        return False
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(path))
        except OSError:
            # Too long, or a file system without sockets: the next folder may do.
            return False
    path.unlink()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
