"""The application's own handle of its database, without which no recorded document can be written."""

from collections.abc import Mapping
from types import MappingProxyType

from pymongo.asynchronous.database import AsyncDatabase

from parley_core.data.documents import Document
from parley_core.data.events import EventType
from parley_core.data.invalidation import Generations


class Database(AsyncDatabase[Document]):
    """The database of one application: recorded writes to its collections invalidate what the application caches.

    A handle that is made of this one, by `with_options()` or from its client, is a plain PyMongo database; recorded
    writes refuse it.
    """

    generations: Generations
    event_types: Mapping[str, EventType] = MappingProxyType({})
