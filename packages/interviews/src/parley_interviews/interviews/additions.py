"""Storing new interviews: those that come while a transaction is under way share the next one."""

from collections.abc import Sequence

from parley_core import Database, in_transaction
from parley_core.data.batches import Batches, group_sizes
from parley_core.data.deadline import time_limit
from parley_core.data.failures import DatabaseError, has_unknown_outcome
from parley_core.errors import Unavailable
from parley_interviews.interviews.repository import InterviewRepository, NewInterview

# So many new interviews wait in one process at most; that is seconds of its work.
_WAITING = 5000
_SIZES = group_sizes(
    "parley.interviews.group.size", "{interview}", "Interviews that were created in one transaction with others."
)


class InterviewAdditions:
    """Stores the new interviews of one application, all those that wait in one transaction.

    Args:
        interviews: where they are stored.
        database: where the transactions run.
        timeout_seconds: how long a transaction may take, and an interview wait whose caller has no deadline.
    """

    def __init__(self, *, interviews: InterviewRepository, database: Database, timeout_seconds: float) -> None:
        self._interviews = interviews
        self._client = database.client
        self._timeout = timeout_seconds
        self._batches: Batches[None, NewInterview, None] = Batches(
            self._settle, longest=_WAITING, patience=timeout_seconds, sizes=_SIZES, budget="interviews_waiting"
        )

    async def add(self, new: NewInterview) -> None:
        """Store a new interview; it is stored for good, and lists show it, when this returns.

        Raises:
            Unavailable: it isn't known to be stored.
        """
        await self._batches.submit(None, new)

    async def close(self) -> None:
        """Stop; those that wait are answered `Unavailable`."""
        await self._batches.close()

    async def _settle(self, _key: None, new: Sequence[NewInterview]) -> Sequence[Unavailable | None]:
        try:
            with time_limit(self._timeout):
                await in_transaction(self._client, lambda session: self._interviews.add(new, session))
        except DatabaseError as error:
            if not has_unknown_outcome(error):
                raise
            return [Unavailable() for _ in new]
        return [None] * len(new)
