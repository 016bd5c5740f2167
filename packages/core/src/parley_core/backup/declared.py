"""What plugins declare for backups: the key files that they keep, and what takes away what was granted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parley_core.errors import StartupError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class KeyFile:
    """A key that is made once in the data directory of an embedded database, beside what it protects.

    Args:
        name: the file's, of letters, digits, `_` and `-`.
        without: what no longer works where a backup is restored without it; a sentence for whoever runs Parley.
    """

    name: str
    without: str

    def __post_init__(self) -> None:
        check_key_name(self.name)


@dataclass(frozen=True)
class Revocation:
    """How everything that was granted to callers is taken away from the documents of one collection.

    Args:
        collection: the collection.
        update: MongoDB's update of each document, of constants alone.
    """

    collection: str
    update: Mapping[str, Any] = field(hash=False)


def check_key_name(name: str) -> None:
    """Raise `StartupError` for what can't be the name of a key file."""
    if not _NAME.fullmatch(name):
        raise StartupError("the name of a key file consists of 1 to 64 letters, digits, _ and -")
