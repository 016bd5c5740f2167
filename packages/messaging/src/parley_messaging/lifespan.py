"""What messaging keeps while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_messaging.appender import Appender
from parley_messaging.changes import watching
from parley_messaging.heads import LogHeads
from parley_messaging.hub import Hub
from parley_messaging.signals import before_stopping
from parley_messaging.tails import Tails


@asynccontextmanager
async def messaging_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Provides what appends to logs and what follows them; streams end when the server is told to stop."""
    hub, appender = Hub(), Appender(parley)
    for provided in (hub, appender, LogHeads(parley.database), Tails(parley.database)):
        parley.provide(provided)
    async with watching(parley.database, hub):
        try:
            with before_stopping(hub.end):
                yield
        finally:
            hub.end()
            await appender.close()
