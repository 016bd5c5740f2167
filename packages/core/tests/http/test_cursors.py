"""Sealed cursors: nobody outside reads one, makes one, or uses one elsewhere."""

import base64

import pytest

from parley_core.errors import InvalidCursor
from parley_core.http.cursors import Cursors

CURSORS = Cursors(bytes(range(64)))
PLACE = b"The title of an interview, 665f1c2ab7e4f90d1c3a5b77"
VALID = CURSORS.seal(PLACE, of="interviews")


def test_round_trip() -> None:
    """A place is found again, and is the same cursor each time, so that cached answers equal others."""
    assert CURSORS.unseal(VALID, of="interviews") == PLACE
    assert Cursors(bytes(range(64))).seal(PLACE, of="interviews") == VALID


def test_address() -> None:
    """A cursor needs no escaping in an address."""
    assert set(VALID) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_unreadable() -> None:
    """A cursor shows nothing of its place: another place looks altogether different, a similar one too."""
    raw = base64.urlsafe_b64decode(VALID + "=" * (-len(VALID) % 4))
    assert not any(PLACE[start : start + 3] in raw for start in range(len(PLACE) - 3))
    other = base64.urlsafe_b64decode(CURSORS.seal(PLACE[:-1] + b"8", of="interviews") + "=" * (-len(VALID) % 4))
    assert sum(one == two for one, two in zip(raw, other, strict=True)) <= 5


def test_every_bit_counts() -> None:
    """A cursor in which one bit is another one is refused, wherever it is."""
    raw = bytearray(base64.urlsafe_b64decode(VALID + "=" * (-len(VALID) % 4)))
    for bit in range(len(raw) * 8):
        raw[bit // 8] ^= 1 << bit % 8
        changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        with pytest.raises(InvalidCursor):
            CURSORS.unseal(changed, of="interviews")
        raw[bit // 8] ^= 1 << bit % 8
    assert CURSORS.unseal(base64.urlsafe_b64encode(raw).decode().rstrip("="), of="interviews") == PLACE


def test_elsewhere() -> None:
    """A cursor of one list is refused by all others, and by those who have another key."""
    with pytest.raises(InvalidCursor):
        CURSORS.unseal(VALID, of="users")
    with pytest.raises(InvalidCursor):
        Cursors(bytes(64)).unseal(VALID, of="interviews")


DAMAGED = {
    "empty": "",
    "impossible": "A",
    "short": "AAAA",
    "cut": VALID[:-3],
    "beheaded": VALID[3:],
    "doubled": VALID * 2,
    "padded": f"{VALID}=",
    "ended": f"{VALID}\n",
    "indented": f" {VALID}",
    "accent": f"{VALID}é",
    "surrogate": "\ud800",
    "longest": "A" * 4096,
    "endless": "A" * 1_000_000,
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged(text: str) -> None:
    """A text that was cut, lengthened or spelt in another way is refused."""
    with pytest.raises(InvalidCursor):
        CURSORS.unseal(text, of="interviews")
