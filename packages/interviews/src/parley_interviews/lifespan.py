"""What interviews keep while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_interviews.access import InterviewAccess


@asynccontextmanager
async def interviews_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Provides the reader that all guards share."""
    parley.provide(InterviewAccess(parley.database))
    yield
