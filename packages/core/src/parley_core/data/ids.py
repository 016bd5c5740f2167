"""Identifiers: 24 lower-case hexadecimal digits, made by the driver's ObjectId and kept as text.

Kept as text they are the same in a document, an event, a token and an address (docs/decisions/0002).
"""

import re

from bson import ObjectId

from parley_core.errors import InvalidId

ID_PATTERN = "^[0-9a-f]{24}$"
_ID = re.compile(ID_PATTERN)


def new_id() -> str:
    """Return a new identifier; later ones sort after earlier ones of the same process."""
    return str(ObjectId())


def parse_id(text: str) -> str:
    """Return the identifier that `text` spells; raise `InvalidId` (400) for anything else."""
    if not _ID.fullmatch(text):
        raise InvalidId
    return text
