"""What interviews keep while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_interviews.access import InterviewAccess
from parley_interviews.totals import InterviewTotals


@asynccontextmanager
async def interviews_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Provides the reader that all guards share, and sees to it that all interviews are counted."""
    await InterviewTotals(parley.database).begin()
    parley.provide(InterviewAccess(parley.database))
    yield
