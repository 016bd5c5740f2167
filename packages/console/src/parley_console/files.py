"""The files of the console, read once and ready to be sent."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from parley_core import StartupError

PAGE = "index.html"
# `mimetypes` asks the machine, and machines differ.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
# Not those that leave the folder, have a scheme, or are a place on the page.
_ADDRESS = re.compile(r'(?<=\s)(?P<attribute>href|src)="(?:\./)?(?P<name>[^":#?./][^":#?]*)"')


@dataclass(frozen=True)
class StaticFile:
    """One file: its media type, its content, and that compressed."""

    media_type: str
    content: bytes
    compressed: bytes


@dataclass(frozen=True)
class StaticFiles:
    """All files of one version.

    Args:
        version: a digest of all of them, which stands in their addresses: it changes with any of them.
        page: the page, whose addresses of the others have the version.
        others: the others by name, like `js/api.js`.
    """

    version: str
    page: StaticFile
    others: Mapping[str, StaticFile]


def read_files(folder: Path) -> StaticFiles:
    """Return the files of a folder and of those in it.

    Raises:
        StartupError: there is no page, a file is of a kind that isn't served, or the page names one that isn't there.
    """
    contents = {str(path.relative_to(folder)): path.read_bytes() for path in _paths_in(folder)}
    if (page := contents.pop(PAGE, None)) is None:
        raise StartupError(f"the console has no {PAGE}: reinstall parley-console, or set PARLEY_CONSOLE=false")
    others = {name: _static_file(name, content) for name, content in contents.items()}
    version = _digest(contents)
    return StaticFiles(version, _static_file(PAGE, _versioned(page.decode(), version, others).encode()), others)


def _paths_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _static_file(name: str, content: bytes) -> StaticFile:
    if (media_type := MEDIA_TYPES.get(Path(name).suffix)) is None:
        raise StartupError(f"the console serves no files such as {name}, only {', '.join(MEDIA_TYPES)}")
    return StaticFile(media_type, content, gzip.compress(content, mtime=0))


def _digest(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _versioned(page: str, version: str, others: Mapping[str, StaticFile]) -> str:
    """Return the page with the version in the address of each file that it names."""

    def with_version(found: re.Match[str]) -> str:
        if found["name"] not in others:
            raise StartupError(f"the console's {PAGE} names {found['name']}, which isn't there")
        return f'{found["attribute"]}="{version}/{found["name"]}"'

    return _ADDRESS.sub(with_version, page)
