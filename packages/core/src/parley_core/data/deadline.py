"""The time for a request's database work: the one place for PyMongo's timeout, half of which has a private name."""

import pymongo
from pymongo import _csot
from pymongo.errors import NetworkTimeout

time_limit = pymongo.timeout
"""A context manager: the database work inside it takes so many seconds at most, whatever number of commands it is."""

remaining = _csot.remaining
"""Return the seconds that are left of the surrounding `time_limit`; None where there is none."""


def time_is_over() -> NetworkTimeout:
    """Return the driver's own error, for work that was shared and didn't end in the time that was left."""
    return NetworkTimeout("the request's time for database work is over")
