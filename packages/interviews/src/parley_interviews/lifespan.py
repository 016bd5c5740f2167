"""What has to be done before and beside the requests; a module of its own, because services are only made."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_core.background import kept_running
from parley_core.data.deadline import time_limit
from parley_core.data.failures import DatabaseError
from parley_core.log_lines import LogLine
from parley_core.waiting import end
from parley_interviews.interviews.additions import InterviewAdditions
from parley_interviews.interviews.title_words import TitleWords
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.scheduling.overlap_reads import OverlapReads

_CORRECTION_SECONDS = 3600
# A count of a million takes a third of a second.
_COUNT_SECONDS = 60
_log = logging.getLogger("parley.interviews")


@asynccontextmanager
async def interviews_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Count the interviews if none were counted yet; keep their total and what they are found by right meanwhile.

    New interviews that still wait when it ends are answered that nobody knows what became of them.
    """
    totals = parley.require(InterviewTotals)
    await totals.begin()
    task = asyncio.create_task(kept_running(lambda: _correct(totals), "the correction of the number of interviews"))
    try:
        async with parley.require(TitleWords).completing():
            yield
    finally:
        await end(task)
        await parley.require(InterviewAdditions).close()
        await parley.require(OverlapReads).close()


async def _correct(totals: InterviewTotals) -> None:
    while True:
        try:
            with time_limit(_COUNT_SECONDS):
                missing = await totals.correct()
        except DatabaseError as error:
            text = "the number of interviews is not checked now ({error})"
            _log.warning(LogLine("interview_count_unchecked", text, error=type(error).__name__))
        else:
            if missing:
                text = "the number of interviews was wrong by {missing} and is right now"
                _log.warning(LogLine("interview_count_corrected", text, missing=missing))
        await asyncio.sleep(_CORRECTION_SECONDS)
