"""Search words for the accounts of an older release, which lack them, given beside the first requests."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_auth.listing.repository import UserSearch
from parley_core.data.failures import DatabaseError
from parley_core.waiting import end

# So few that the loop's other work waits for milliseconds.
_BATCH = 200
_SPREAD = 10
_OUTAGE_SECONDS = 5.0
_log = logging.getLogger("parley.auth")


@asynccontextmanager
async def completing(search: UserSearch) -> AsyncIterator[None]:
    """Surround a running application, and complete search words meanwhile.

    Several workers may do so at once. The next start goes on where this one was stopped.
    """
    task = asyncio.create_task(complete(search))
    try:
        yield
    finally:
        await end(task)


async def complete(search: UserSearch) -> None:
    """Give search words to all accounts that lack them; an outage of the database delays that."""
    completed = 0
    while True:
        try:
            # Apart from each other, so that workers that start together seldom do the same.
            skip = _BATCH * random.randrange(_SPREAD)  # noqa: S311 - spreads work, guards nothing
            if not (number := await search.complete(limit=_BATCH, skip=skip) or await search.complete(limit=_BATCH)):
                break
        except DatabaseError as error:
            _log.warning("search words of accounts wait: the database failed (%s)", type(error).__name__)
            await asyncio.sleep(_OUTAGE_SECONDS)
        except Exception:  # noqa: BLE001 - reported: accounts that `q` doesn't find by name are no reason to stop
            _log.exception("search words of accounts can't be completed before the next start")
            return
        else:
            completed += number
    if completed:
        _log.info("search words of %d accounts of an older release are complete", completed)
