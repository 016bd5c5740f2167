"""Cursors that only Parley can read and make: the place in a list, sealed (docs/decisions/0027-sealed-cursors.md)."""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from parley_core.errors import InvalidCursor

# What is sealed; another number once it means something else.
_PURPOSE = b"parley cursor 1"
_LONGEST = 4096


class Cursors:
    """Seals places in lists, so that nobody outside reads or makes one. The same place gives the same cursor.

    Args:
        key: 64 random bytes, the same in every worker on one database.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def seal(self, place: bytes, *, of: str) -> str:
        """Return the cursor of a place.

        Args:
            place: the place; not empty.
            of: the name of the list, in which alone the cursor is valid.
        """
        return _spelt(self._cipher.encrypt(place, [_PURPOSE, of.encode()]))

    def unseal(self, cursor: str, *, of: str) -> bytes:
        """Return the place that a cursor of this list names.

        Raises:
            InvalidCursor: the text is not a cursor that this database's workers have made for this list.
        """
        try:
            return self._cipher.decrypt(_sealed(cursor), [_PURPOSE, of.encode()])
        except (ValueError, InvalidTag) as error:
            raise InvalidCursor from error


def _sealed(cursor: str) -> bytes:
    """Return what a cursor spells; raise `ValueError` for a text that is too long, or no spelling of `_spelt`'s."""
    sealed = base64.urlsafe_b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4))
    if _spelt(sealed) != cursor:
        raise ValueError
    return sealed


def _spelt(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
