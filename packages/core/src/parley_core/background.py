"""Work beside the requests: nobody waits for it, so that its failures would be seen by nobody."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from parley_core.log_lines import LogLine

PAUSE_SECONDS = 1.0
_log = logging.getLogger("parley.background")


async def kept_running(work: Callable[[], Awaitable[None]], what: str) -> None:
    """Do endless work; where it fails, that is logged as an error with its traceback, and it begins anew in a second.

    The work deals by itself with what it expects, such as outages of the database. It ends when it returns, or when its
    task is cancelled.

    Args:
        work: a function that does it.
        what: what begins anew, for the log, like `the relay`.
    """
    while True:
        try:
            await work()
        except (Exception, asyncio.CancelledError):
            # What was cancelled may be something that the work waits for, which would end it without a word.
            if _is_cancelled():
                raise
            text = "{what} failed and begins anew in {seconds:g} s"
            _log.exception(LogLine("background_restarted", text, what=what, seconds=PAUSE_SECONDS))
        else:
            return
        await asyncio.sleep(PAUSE_SECONDS)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
