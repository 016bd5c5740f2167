"""What messaging opens and closes: the watch over the database, the signal's handler and the appender."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_core.stopping import before_stopping
from parley_messaging.log.appender import Appender
from parley_messaging.stream.changes import watching
from parley_messaging.stream.hub import Hub


@asynccontextmanager
async def messaging_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Watch the database for followers, and end all streams when the server is asked to stop."""
    hub, appender = parley.require(Hub), parley.require(Appender)
    async with watching(parley.database, hub):
        try:
            with before_stopping(hub.end):
                yield
        finally:
            hub.end()
            await appender.close()
