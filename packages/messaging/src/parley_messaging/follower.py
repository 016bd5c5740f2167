"""Following a log: what it holds from a place on, then what comes, until the follower or the server leaves."""

import asyncio
import random
from collections.abc import AsyncGenerator

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pymongo.errors import PyMongoError

from parley_auth import ScopedAccess
from parley_auth.errors import TokenExpired
from parley_core import ParleyError
from parley_core.data.failures import is_unavailable
from parley_core.errors import Unavailable
from parley_messaging.hub import Hub, Subscription
from parley_messaging.tails import PAGE, Page, Tails

HEARTBEAT_SECONDS = 15.0
# A change is judged by at once, unless the last judgement is younger than this.
_JUDGEMENT_SECONDS = 1.0
_OUTAGE_SECONDS = 0.5
# Apart from each other, so that those who were sent away together don't come back together.
_RETRY_MILLISECONDS = (1000, 3000)


class Follower:
    """One stream: where it stands in the log, and when its access was last judged.

    Args:
        access: what the guard has found; its judgement is repeated whenever it may have become another, and with
            each heartbeat, so that a stream ends soon after its token does.
        after: the place behind which the stream begins.
        hub: what wakes it.
        tails: what reads for it.
    """

    def __init__(self, access: ScopedAccess, *, after: int, hub: Hub, tails: Tails) -> None:
        self._access = access
        self._after = after
        self._hub = hub
        self._tails = tails
        self._now = asyncio.get_running_loop().time
        self._spoken_at = self._now()
        # What happened between the guard and the subscription woke nobody.
        self._judged_at = float("-inf")
        self._read_to: object = None

    async def events(self) -> AsyncGenerator[bytes]:
        """Each message once, in order, as a server-sent event with its `seq` as id, and heartbeats between them.

        Ends when access is lost, and with a retry hint when the token's time is over or the server stops.
        """
        with self._hub.subscribed(self._access.resource.id, self._access.principal.id) as subscription:
            while not subscription.is_over:
                try:
                    page = await self._news(subscription)
                except TokenExpired:
                    yield format_sse_event(retry=0)
                    return
                except ParleyError:
                    return
                for seq, event in page:
                    yield event
                    self._after, self._spoken_at = seq, self._now()
                if self._now() >= self._spoken_at + HEARTBEAT_SECONDS:
                    yield KEEPALIVE_COMMENT
                    self._spoken_at = self._now()
            yield format_sse_event(retry=random.randint(*_RETRY_MILLISECONDS))  # noqa: S311 - no secret depends on it

    async def _news(self, subscription: Subscription) -> Page:
        """The next messages; none when the time of a heartbeat or of a judgement has come, or MongoDB is away."""
        try:
            await self._judge(subscription)
            return await self._next_page(subscription)
        except (PyMongoError, Unavailable) as error:
            if isinstance(error, PyMongoError) and not is_unavailable(error):
                raise
            subscription.is_doubted = True
            await subscription.wait(_OUTAGE_SECONDS)
            return ()

    async def _judge(self, subscription: Subscription) -> None:
        if self._now() >= self._judgement_due(subscription):
            subscription.is_doubted = False
            await self._access.reauthorize()
            self._judged_at = self._now()

    def _judgement_due(self, subscription: Subscription) -> float:
        return self._judged_at + (_JUDGEMENT_SECONDS if subscription.is_doubted else HEARTBEAT_SECONDS)

    async def _next_page(self, subscription: Subscription) -> Page:
        if subscription.mark == self._read_to:
            due = min(self._judgement_due(subscription), self._spoken_at + HEARTBEAT_SECONDS)
            await subscription.wait(max(0, due - self._now()))
            return ()
        mark = subscription.mark
        page = await self._tails.behind(self._access.resource.id, self._after, mark=mark)
        if len(page) < PAGE:
            self._read_to = mark
        return page
