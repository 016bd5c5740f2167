"""What has to be done before and beside the requests; a module of its own, because services are only made."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_core.background import kept_running
from parley_core.data.backfill import completing
from parley_core.data.deadline import time_limit
from parley_core.data.failures import DatabaseError
from parley_core.waiting import end
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.listing.repository import InterviewSearch

_CORRECTION_SECONDS = 3600
# A count of a million takes a third of a second.
_COUNT_SECONDS = 60
_log = logging.getLogger("parley.interviews")


@asynccontextmanager
async def interviews_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Count the interviews of a database in which none were counted yet, and keep their total right meanwhile.

    Those of an older release get what the list sorts and finds them by.
    """
    totals = parley.require(InterviewTotals)
    await totals.begin()
    task = asyncio.create_task(kept_running(lambda: _correct(totals), "the correction of the number of interviews"))
    search = parley.require(InterviewSearch)
    try:
        async with completing(search.complete, "sort keys of interviews", _log):
            yield
    finally:
        await end(task)


async def _correct(totals: InterviewTotals) -> None:
    while True:
        try:
            with time_limit(_COUNT_SECONDS):
                missing = await totals.correct()
        except DatabaseError as error:
            _log.warning("the number of interviews is not checked now (%s)", type(error).__name__)
        else:
            if missing:
                _log.warning("the number of interviews was wrong by %d and is right now", missing)
        await asyncio.sleep(_CORRECTION_SECONDS)
