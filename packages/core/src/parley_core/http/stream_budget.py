"""How many streams are open in this process, and for whom: each takes a connection that others can't have."""

import logging
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from typing import Annotated

from fastapi import Depends

from parley_core.clock import Clock
from parley_core.errors import TooManyStreams, Unavailable
from parley_core.http.requests import provided
from parley_core.log_lines import LogLine
from parley_core.refusals import RefusalLog
from parley_core.telemetry import METER

# Until one of the user's streams was closed, which nobody knows beforehand.
_RETRY_SECONDS = "10"
_FULL = "This server has as many streams open as it can carry: try again after the seconds in Retry-After"
_OPEN = METER.create_up_down_counter("parley.streams", "{stream}", "Streams of server-sent events that are open.")
_log = logging.getLogger("parley.streams")


class StreamBudget:
    """The open streams of a process, of whatever package; with several workers each has its own.

    Args:
        per_user: streams of one user at most; 0 for no limit.
        per_worker: streams at most.
        clock: returns the time, for the log.
    """

    def __init__(self, *, per_user: int, per_worker: int, clock: Clock) -> None:
        self._per_user = per_user
        self._per_worker = per_worker
        self._open: Counter[str] = Counter()
        self._of_users = RefusalLog(
            _log,
            lambda count: LogLine(
                "user_streams_refused",
                "streams refused to users who have {open} open in this worker: {count}",
                open=per_user,
                count=count,
            ),
            budget="streams_of_user",
            clock=clock,
        )
        self._of_all = RefusalLog(
            _log,
            lambda count: LogLine(
                "streams_refused",
                "streams refused since this worker has {open} open: {count}",
                open=per_worker,
                count=count,
            ),
            budget="streams_of_worker",
            clock=clock,
        )

    @property
    def open(self) -> int:
        """The number of open streams."""
        return self._open.total()

    def take(self, user_id: str) -> AbstractContextManager[object]:
        """Return a place for one more stream, which is free again when its block is left.

        Args:
            user_id: who follows; for an API key that is its creator.

        Raises:
            TooManyStreams: the user has as many streams as one user may have.
            Unavailable: the process has as many as it may have.
        """
        if self._per_user and self._open[user_id] >= self._per_user:
            self._of_users.add()
            raise TooManyStreams(headers={"Retry-After": _RETRY_SECONDS})
        if self.open >= self._per_worker:
            self._of_all.add()
            raise Unavailable(_FULL)
        self._open[user_id] += 1
        _OPEN.add(1)
        place = ExitStack()
        place.callback(self._free, user_id)
        return place

    def _free(self, user_id: str) -> None:
        self._open[user_id] -= 1
        _OPEN.add(-1)
        if not self._open[user_id]:
            del self._open[user_id]


StreamBudgetDep = Annotated[StreamBudget, Depends(provided(StreamBudget))]
"""The budget, as an endpoint's parameter: it takes a place once nothing else can refuse the request."""
