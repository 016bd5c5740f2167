"""What has to be done before the first request; a module of its own, because services are only made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_interviews.interviews.totals import InterviewTotals


@asynccontextmanager
async def interviews_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Count the interviews of a database in which none were counted yet."""
    await parley.require(InterviewTotals).begin()
    yield
