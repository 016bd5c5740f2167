"""What messaging keeps while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_messaging.turns import Turns


@asynccontextmanager
async def messaging_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Provides the turns in which a process posts."""
    parley.provide(Turns())
    yield
