"""Writing a backup: a tar whose last file is a seal, the digest of everything before it.

Sizes are known only once a file's end was written, so its header is written a second time then.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from parley_core.backup.manifest import StoredFile

SEAL = "seal.sha256"
_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1024 * 1024


class Member:
    """One file of a tar that is being written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append to it."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def stored(self) -> StoredFile:
        """Return what the manifest says of it."""
        return StoredFile(bytes=self.size, sha256=self._digest.hexdigest())


class ArchiveWriter:
    """Writes a tar into a file that is open for writing and reading; what the file had before is gone.

    Args:
        file: the file.
        modified: the time of every file in it, in seconds since 1970.
    """

    def __init__(self, file: BinaryIO, *, modified: int) -> None:
        self._file = file
        self._modified = modified
        self.files: dict[str, StoredFile] = {}
        file.seek(0)
        file.truncate()

    @contextmanager
    def member(self, name: str) -> Iterator[Member]:
        """Append a file, which the block writes."""
        begin = self._file.tell()
        self._file.write(self._header(name, 0))
        member = Member(self._file)
        yield member
        self._file.write(bytes(-member.size % _BLOCK))
        self._file.seek(begin)
        self._file.write(self._header(name, member.size))
        self._file.seek(0, 2)
        self.files[name] = member.stored()

    def add(self, name: str, content: bytes) -> None:
        """Append a file."""
        with self.member(name) as member:
            member.write(content)

    def seal(self) -> None:
        """Append the seal and the end of the tar."""
        size = self._file.tell()
        self._file.write(ending(digest_of(self._file, size)))
        self._file.flush()

    def _header(self, name: str, size: int) -> bytes:
        return _info(name, size, self._modified).tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def ending(digest: str) -> bytes:
    """Return the last bytes of a backup whose other bytes have this digest; their number is always the same."""
    content = f"{digest}\n".encode()
    header = _info(SEAL, len(content), 0).tobuf(tarfile.GNU_FORMAT)
    return header + content.ljust(_BLOCK, b"\0") + bytes(2 * _BLOCK)


def digest_of(file: BinaryIO, size: int) -> str:
    """Return the SHA-256 of a file's first bytes; the file's position is behind them afterwards."""
    file.seek(0)
    digest = hashlib.sha256()
    while size and (piece := file.read(min(_PIECE, size))):
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


def _info(name: str, size: int, modified: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, modified
    return info


ENDING_BYTES = len(ending("0" * 64))
"""How many bytes the ending has."""
