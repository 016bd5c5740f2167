"""The time that a request has left for the database: the one place for a private name of PyMongo."""

from pymongo import _csot

remaining = _csot.remaining
"""Return the seconds that are left of the surrounding `pymongo.timeout`; None where there is none."""
