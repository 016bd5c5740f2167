"""Where everything is in a backup: mongodump's layout, so that mongorestore reads an unpacked one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bson import json_util
from bson.json_util import CANONICAL_JSON_OPTIONS

from parley_core.data.documents import Document

KEYS = "keys"
_ID_INDEX = "_id_"


@dataclass(frozen=True)
class Described:
    """A collection or view as MongoDB describes it.

    Args:
        name: its name.
        kind: `collection`, `view` or `timeseries`.
        options: what it was created with.
        indexes: the specifications of its indexes.
        uuid: 32 hexadecimal digits, others once it was dropped and created again; "" for a view.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    indexes: Sequence[Document] = ()
    uuid: str = ""

    @property
    def has_documents(self) -> bool:
        """Whether documents are stored under it; a view shows those of others."""
        return self.kind != "view"

    @property
    def is_in_snapshots(self) -> bool:
        """Whether MongoDB reads it as it was at an instant; it can't do so with a capped collection."""
        return self.has_documents and not self.options.get("capped")

    @property
    def source(self) -> str:
        """The collection that its documents are stored in."""
        return f"system.buckets.{self.name}" if self.kind == "timeseries" else self.name

    @property
    def own_indexes(self) -> list[Document]:
        """The indexes that don't come with the collection itself."""
        return [index for index in self.indexes if index["name"] != _ID_INDEX and not index.get("clustered")]


def documents_path(database: str, collection: str) -> str:
    """Return the path of a collection's documents."""
    return f"{database}/{_escaped(collection)}.bson"


def metadata_path(database: str, collection: str) -> str:
    """Return the path of a collection's options and indexes."""
    return f"{database}/{_escaped(collection)}.metadata.json"


def key_path(name: str) -> str:
    """Return the path of a key file."""
    return f"{KEYS}/{name}"


def metadata_of(described: Described) -> bytes:
    """Return the metadata as mongodump writes it, which is extended JSON."""
    metadata = {
        "options": described.options,
        "indexes": described.indexes,
        "uuid": described.uuid,
        "collectionName": described.name,
        "type": described.kind,
    }
    return json_util.dumps(metadata, json_options=CANONICAL_JSON_OPTIONS).encode()


def described_by(metadata: bytes) -> Described:
    """Return the collection that metadata describe."""
    found = json_util.loads(metadata.decode(), json_options=CANONICAL_JSON_OPTIONS)
    return Described(found["collectionName"], found["type"], found["options"], found["indexes"], found["uuid"])


def _escaped(name: str) -> str:
    # As Go escapes a segment of a path, by which mongorestore finds the name again.
    return quote(name, safe="$&+:=@")
