"""The time that a request has left for the database: PyMongo knows it, but under a private name (docs/decisions)."""

from pymongo import _csot


def remaining() -> float | None:
    """Return the seconds that are left of the surrounding `pymongo.timeout`; None where there is none."""
    return _csot.remaining()
