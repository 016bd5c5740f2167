"""The application's own handle of its database, without which no recorded document can be written."""

from collections.abc import Mapping
from types import MappingProxyType

from pymongo.asynchronous.database import AsyncDatabase

from parley_core.data.documents import Document
from parley_core.data.events import EventType
from parley_core.data.grouped import GroupedWrites
from parley_core.data.invalidation import Generations
from parley_core.data.unrelayed import Unrelayed


class Database(AsyncDatabase[Document]):
    """The database of one application: recorded writes to its collections invalidate what the application caches.

    A handle that is made of this one, by `with_options()` or from its client, is a plain PyMongo database; recorded
    writes refuse it.
    """

    generations: Generations
    grouped: GroupedWrites
    unrelayed: Unrelayed
    event_types: Mapping[str, EventType] = MappingProxyType({})
    recorded: frozenset[str] = frozenset()
    """The names of the collections that are declared as recorded."""
    kinds: dict[str, str]
    """The kind of each collection's documents, as far as this process has recorded in it."""
