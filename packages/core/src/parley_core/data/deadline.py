"""The time for a request's database work: the one place for PyMongo's timeout, half of which has a private name."""

import pymongo
from pymongo import _csot

time_limit = pymongo.timeout
"""A context manager: the database work inside it takes so many seconds at most, whatever number of commands it is."""

remaining = _csot.remaining
"""Return the seconds that are left of the surrounding `time_limit`; None where there is none."""
