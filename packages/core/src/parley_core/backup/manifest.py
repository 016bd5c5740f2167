"""The manifest of a backup: what it is of, and what its files must be."""

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from parley_core.backup.errors import UnusableBackup

FORMAT: Literal[1] = 1
"""Raised by a release whose backups an older one would misread."""
NAME = "manifest.json"


class StoredFile(BaseModel):
    """One file of the backup."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    sha256: str


class ClusterTime(BaseModel):
    """The instant of the snapshot in MongoDB's own time: seconds, and the number of the operation in that second."""

    model_config = ConfigDict(frozen=True)

    t: int
    i: int


class Manifest(BaseModel):
    """What is in a backup.

    Args:
        format: the number of the backup's own format.
        created_at: when it was made.
        cluster_time: the snapshot that all its documents are from.
        database: the database's name, which is also the folder of its files.
        server_version: of the MongoDB that it is from.
        packages: plugin -> version of its package.
        schema_numbers: plugin -> the schema number of its data, and the number of the stored format.
        needed_numbers: the same -> the number that a release must know to read it.
        documents: collection -> number of its documents.
        keys: names of the key files of the data directory.
        files: path -> size and digest, of every file but the manifest and the seal.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = FORMAT
    created_at: datetime
    cluster_time: ClusterTime
    database: str
    server_version: str
    packages: dict[str, str]
    schema_numbers: dict[str, int]
    needed_numbers: dict[str, int]
    documents: dict[str, int]
    keys: tuple[str, ...] = ()
    files: dict[str, StoredFile] = {}


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest.

    Raises:
        UnusableBackup: it is of a newer format, or it is damaged.
    """
    try:
        number: Any = json.loads(text)["format"]
        if isinstance(number, int) and number > FORMAT:
            raise UnusableBackup(
                f"the backup has format {number}, and this release reads format {FORMAT}: "
                "restore it with the release that made it, or a newer one"
            )
        return Manifest.model_validate_json(text, strict=True)
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError):
        raise UnusableBackup("the backup's manifest is damaged: use another backup") from None
