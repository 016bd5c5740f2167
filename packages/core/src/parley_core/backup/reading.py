"""Reading a backup: it is verified as a whole before anything of it is used, and each file again as it is used."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from parley_core.backup.archive import ENDING_BYTES, SEAL, digest_of, ending
from parley_core.backup.errors import UnusableBackup
from parley_core.backup.layout import Described, described_by, documents_path, key_path, metadata_path
from parley_core.backup.manifest import NAME, Manifest, StoredFile, read_manifest

_PIECE = 1024 * 1024
_LARGEST_MANIFEST = 64 * 1024**2
_LENGTH_BYTES = 4
_SMALLEST_DOCUMENT = 5


class Archive:
    """A verified backup.

    Args:
        tar: the open tar.
        manifest: its manifest.
    """

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self.manifest = manifest

    def collections(self) -> list[Described]:
        """Return its collections and views."""
        suffix = metadata_path("", "").removeprefix("/")
        return [described_by(self._content(path)) for path in self.manifest.files if path.endswith(suffix)]

    def key(self, name: str) -> bytes:
        """Return the content of a key file."""
        return self._content(key_path(name))

    def documents(self, collection: str) -> Iterator[bytes]:
        """Yield the documents of a collection, one after the other, as BSON.

        Raises:
            UnusableBackup: they aren't those that the manifest names; what was yielded before is not to be used.
        """
        path = documents_path(self.manifest.database, collection)
        expected, digest, count = self.manifest.files[path], hashlib.sha256(), 0
        for document in _split(self._open(path)):
            digest.update(document)
            count += 1
            yield document
        if digest.hexdigest() != expected.sha256 or count != self.manifest.documents[collection]:
            raise _other_than_said(path)

    def _content(self, path: str) -> bytes:
        return self._open(path).read()

    def _open(self, path: str) -> IO[bytes]:
        file = self._tar.extractfile(path)
        if file is None:
            raise UnusableBackup(f"{path} in the backup is no file: use another backup")
        return file

    def check(self) -> None:
        """Raise `UnusableBackup` unless it has the files of its manifest, and those have the digests that this says."""
        names = {info.name for info in self._tar.getmembers() if info.isreg()}
        if names != {*self.manifest.files, NAME, SEAL}:
            raise UnusableBackup("the backup has other files than its manifest says: use another backup")
        manifest = self.manifest
        collections = {one.name for one in self.collections() if one.has_documents}
        if collections != manifest.documents.keys() or not {*map(key_path, manifest.keys)} <= names:
            raise UnusableBackup("the backup has other collections or keys than its manifest says: use another backup")
        by_path = {documents_path(self.manifest.database, name): name for name in self.manifest.documents}
        for path, expected in self.manifest.files.items():
            if path in by_path:
                for _ in self.documents(by_path[path]):
                    pass
            elif _stored(self._open(path)) != expected:
                raise _other_than_said(path)


@contextmanager
def verified(path: Path) -> Iterator[Archive]:
    """Open a backup and verify all of it.

    Raises:
        UnusableBackup: it can't be read, is cut or changed, or is of a newer format.
    """
    with ExitStack() as opened:
        with _naming(path):
            file = opened.enter_context(path.open("rb"))
            tar = opened.enter_context(tarfile.open(fileobj=file, mode="r:"))
            archive = Archive(tar, read_manifest(_manifest_in(tar)))
            _check_seal(file)
            archive.check()
        yield archive


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except UnusableBackup as error:
        raise UnusableBackup(f"{path}: {error}") from None
    except (tarfile.TarError, KeyError, ValueError, EOFError, RecursionError) as error:
        raise UnusableBackup(f"{path}: this is no whole backup ({type(error).__name__}): use another one") from error
    except OSError as error:
        raise UnusableBackup(f"{path} can't be read: {error.strerror}") from error


def _other_than_said(path: str) -> UnusableBackup:
    return UnusableBackup(f"{path} in the backup isn't what the manifest says: use another backup")


def _manifest_in(tar: tarfile.TarFile) -> bytes:
    file = tar.extractfile(NAME)
    if file is None:
        raise KeyError(NAME)
    return file.read(_LARGEST_MANIFEST)


def _check_seal(file: BinaryIO) -> None:
    size = file.seek(0, 2) - ENDING_BYTES
    if size < 0 or ending(digest_of(file, size)) != file.read():
        raise UnusableBackup("the backup was cut or changed after it was made: use another one")


def _stored(file: IO[bytes]) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return StoredFile(bytes=size, sha256=digest.hexdigest())


def _split(file: IO[bytes]) -> Iterator[bytes]:
    while head := file.read(_LENGTH_BYTES):
        size = int.from_bytes(head, "little")
        if size < _SMALLEST_DOCUMENT:
            raise ValueError("a document has no length")
        document = head + file.read(size - _LENGTH_BYTES)
        if len(document) != size:
            raise ValueError("a document is cut")
        yield document
