"""What events does before the process stops; a module of its own, like every package's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core import Parley
from parley_core.stopping import before_stopping
from parley_events.stream.service import EventStreams


@asynccontextmanager
async def events_lifespan(parley: Parley) -> AsyncIterator[None]:
    """End all streams when the server is asked to stop."""
    streams = parley.require(EventStreams)
    try:
        with before_stopping(streams.end):
            yield
    finally:
        streams.end()
