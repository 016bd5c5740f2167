"""The connections of one process: how many there may be, and how long a client may let the server wait."""

import heapq
import logging
import time
from dataclasses import dataclass
from typing import Protocol

from parley_core.log_lines import LogLine
from parley_core.refusals import count_refusal

_LOG_SECONDS = 60
# So many are ended at once when room is needed, since finding them looks at all.
_BATCH = 32
_log = logging.getLogger("parley.app")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client may use.

    Args:
        connections: served at the same time.
        refused: open at the same time beyond these, only to be answered 503.
        head_bytes: of a request's first line and headers.
        head_seconds: until they have arrived.
        write_seconds: in which nearly nothing of an answer is read.
    """

    connections: int
    refused: int
    head_bytes: int
    head_seconds: float
    write_seconds: float


class Peer(Protocol):
    """A connection as `Connections` sees it. Times are those of `time.monotonic`."""

    def expendable(self, now: float) -> tuple[int, float] | None:
        """Return how soon it is ended for want of room, the least first; None when it is being served."""

    def is_overdue(self, now: float) -> bool:
        """Return whether its client lets the server wait for too long."""

    def turn_away(self) -> None:
        """Answer its first request 503, and none else."""

    def end(self) -> None:
        """End it at once."""


class Connections:
    """All connections of a process.

    With no room for a new one, those are ended that wait for their client: for a request, for the rest of one, or
    for an answer to be read. Where all are being served, the new one is answered 503 and ended.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._served: set[Peer] = set()
        self._refused: set[Peer] = set()
        self._logged = -float(_LOG_SECONDS)
        self._ended_count = self._refused_count = 0

    def add(self, peer: Peer) -> None:
        """Take in a new connection, unless it has to be turned away."""
        if len(self._served) >= self.limits.connections and not self._make_room(time.monotonic()):
            self._refuse(peer)
        else:
            self._served.add(peer)

    def remove(self, peer: Peer) -> None:
        """Forget a connection that has ended; nothing happens if it is forgotten."""
        self._served.discard(peer)
        self._refused.discard(peer)

    def end_overdue(self) -> None:
        """End the connections whose clients let the server wait for too long."""
        now = time.monotonic()
        for peer in [peer for peers in (self._served, self._refused) for peer in peers if peer.is_overdue(now)]:
            peer.end()

    def _make_room(self, now: float) -> bool:
        ranked = [(rank, id(peer), peer) for peer in self._served if (rank := peer.expendable(now))]
        for _, _, peer in heapq.nsmallest(_BATCH, ranked):
            self._served.discard(peer)
            self._ended_count += 1
            peer.end()
        self._log(now)
        return bool(ranked)

    def _refuse(self, peer: Peer) -> None:
        self._refused_count += 1
        count_refusal("connections")
        if len(self._refused) >= self.limits.refused:
            peer.end()
            return
        self._refused.add(peer)
        peer.turn_away()

    def _log(self, now: float) -> None:
        """Say once a minute that there is no room."""
        if now - self._logged < _LOG_SECONDS:
            return
        self._logged = now
        line = LogLine(
            "connections_full",
            "{open} connections are open, as many as the limit of open files allows: so far {ended} that waited for "
            "their client were ended and {refused} new ones were turned away",
            open=self.limits.connections,
            ended=self._ended_count,
            refused=self._refused_count,
        )
        _log.warning(line)
