"""Fields that the documents of an older release lack, given to them beside the first requests."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from parley_core.data.failures import DatabaseError
from parley_core.waiting import end

# So few that the loop's other work waits for milliseconds.
_BATCH = 200
_SPREAD = 10
_OUTAGE_SECONDS = 5.0


class Complete(Protocol):
    """Completes documents that lack something."""

    async def __call__(self, *, limit: int, skip: int = 0) -> int:
        """Complete `limit` documents at most, `skip` others left out; return how many: without a skip 0 at the end."""
        ...


@asynccontextmanager
async def completing(complete: Complete, what: str, log: logging.Logger) -> AsyncIterator[None]:
    """Surround a running application, and complete documents meanwhile.

    Several workers may do so at once. The next start goes on where this one was stopped.

    Args:
        complete: completes some of them.
        what: what the log says of them.
        log: where it says so.
    """
    task = asyncio.create_task(complete_all(complete, what, log))
    try:
        yield
    finally:
        await end(task)


async def complete_all(complete: Complete, what: str, log: logging.Logger) -> None:
    """Complete all documents that lack something; an outage of the database delays that."""
    completed = 0
    while True:
        try:
            # Apart from each other, so that workers that start together seldom do the same.
            skip = _BATCH * random.randrange(_SPREAD)  # noqa: S311 - spreads work, guards nothing
            if not (number := await complete(limit=_BATCH, skip=skip) or await complete(limit=_BATCH)):
                break
        except DatabaseError as error:
            log.warning("%s wait: the database failed (%s)", what, type(error).__name__)
            await asyncio.sleep(_OUTAGE_SECONDS)
        except Exception:
            log.exception("%s can't be completed before the next start", what)
            return
        else:
            completed += number
    if completed:
        log.info("%s of an older release are complete: %d", what, completed)
