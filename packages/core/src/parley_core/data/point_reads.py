"""Coalesced point reads: reads by `_id` that arrive while a query is in flight share the next one.

Nothing is remembered. Each read is answered by a query that was sent after the read was asked for, to the
primary, so that it sees every acknowledged write (docs/caching.md). A request can begin reads before it needs them,
in a `Turn`, so that all of them are under way together.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.documents import Document
from parley_core.data.shared_queries import SharedQueries, Source
from parley_core.data.turns import Turn, current_turn


class PointReader:
    """Reads documents of one collection by `_id`, under one projection that serves every reader.

    Args:
        collection: with its database's own read concern and preference, since the reads of all its collections share
            queries; the client's `timeoutMS` bounds those.
        projection: the fields that are read of each document; a function, where that depends on who waits for the
            query.
    """

    def __init__(
        self, collection: AsyncCollection[Document], projection: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    ) -> None:
        self._source = Source(collection, projection)
        self._queries = SharedQueries.of(collection.database)

    def read(self, document_id: str) -> Coroutine[Any, Any, Document | None]:
        """Return the document, None when there is none; other readers may share it, so it must not be changed.

        Raises:
            PyMongoError: the query that this read shared failed, or the caller's `pymongo.timeout` is over.
        """
        turn = current_turn()
        begun = turn.begun.pop((self._source, document_id), None) if turn else None
        return begun.document() if begun else self._alone(document_id)

    def begin(self, document_id: str) -> None:
        """Send a read of which the request will need the answer: its next `read` of the document has it.

        Outside of a `Turn` nothing is begun.
        """
        if (turn := current_turn()) and (key := (self._source, document_id)) not in turn.begun:
            turn.begun[key] = self._queries.ask(turn, key)

    async def _alone(self, document_id: str) -> Document | None:
        seconds = remaining()
        if seconds is not None and seconds <= 0:
            raise time_is_over()
        return await self._queries.ask(Turn(), (self._source, document_id)).document()
