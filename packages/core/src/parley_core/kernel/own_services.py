"""What core itself provides to every application, beside the database and its log."""

from collections.abc import Sequence

from parley_core.caching.store import ReadCache
from parley_core.caching.totals import CountedTotals
from parley_core.clock import Clock
from parley_core.data.clocks import DatabaseClock
from parley_core.data.handle import Database
from parley_core.descriptors import descriptor_limit, streams_for
from parley_core.http.cursors import Cursors
from parley_core.http.stream_budget import StreamBudget
from parley_core.http.walks import Walks
from parley_core.kernel.settings import CoreSettings


async def own_services(database: Database, core: CoreSettings, clock: Clock, *, cursor_key: bytes) -> Sequence[object]:
    """Return core's own services for an application that begins to serve; warn of a clock that is wrong.

    Raises:
        PyMongoError: the database doesn't answer.
    """
    clocks = DatabaseClock(database, clock)
    await clocks.check()
    cursors = Cursors(cursor_key)
    return (
        clocks,
        ReadCache(max_bytes=core.cache_max_bytes if core.cache_enabled else 0, shown_to=core.cache_status),
        CountedTotals(),
        cursors,
        Walks(cursors),
        _stream_budget(core, clock),
    )


def _stream_budget(core: CoreSettings, clock: Clock) -> StreamBudget:
    fits = streams_for(descriptor_limit(), pool_size=core.mongodb_pool_size)
    return StreamBudget(per_user=core.streams_per_user, per_worker=core.streams_per_worker or fits, clock=clock)
