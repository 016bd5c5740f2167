"""The time that a request has left for the database: PyMongo knows it, but under a private name (docs/decisions)."""

import pymongo
from pymongo import _csot

time_limit = pymongo.timeout
"""A context manager: the database work inside it takes so many seconds at most, whatever number of commands it is."""


def remaining() -> float | None:
    """Return the seconds that are left of the surrounding `pymongo.timeout`; None where there is none."""
    return _csot.remaining()
