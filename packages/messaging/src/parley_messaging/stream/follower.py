"""Following a log: what it holds from a place on, then what comes, until the follower leaves or the server stops."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from parley_auth import ScopedAccess
from parley_auth.errors import TokenExpired
from parley_core import ParleyError
from parley_core.data.failures import is_outage
from parley_core.http.event_stream import retry_hint
from parley_messaging.stream.hub import Hub, Subscription
from parley_messaging.stream.reader import PAGE, Encode, NewMessageReader, Page

HEARTBEAT_SECONDS = 15.0
# A stream that has nothing to send is checked at once after a change, unless the last check is younger than this.
_RECHECK_SECONDS = 1.0
_OUTAGE_SECONDS = 0.5


class Follower:
    """One stream: its place in the log, and when its access was last checked.

    Nothing is sent that was posted after the answer that took access away, on whatever worker. Each page is read first,
    and access is checked after that, fresh from the primary: a check that finds access comes before the answer that
    takes it away, and every message of the page was committed before the check. So a page stays good however long a
    slow reader takes for it, and nothing depends on when the change stream tells what has changed. That only ends the
    streams that have nothing to send. Followers who wake together share the reads of their checks.

    Args:
        access: what the guard has found. It is checked again before anything is sent, whenever it may have changed,
            and with each heartbeat, so that a stream ends soon after its token does.
        after: the place after which the stream begins.
        hub: what wakes it.
        reader: what reads for it.
        encode: makes the event of a message; followers of one log have the same.
    """

    def __init__(self, access: ScopedAccess, *, after: int, hub: Hub, reader: NewMessageReader, encode: Encode) -> None:
        self._access = access
        self._after = after
        self._hub = hub
        self._reader = reader
        self._encode = encode
        self._now = asyncio.get_running_loop().time
        self._sent_at = self._now()
        # What happened between the guard and the subscription woke nobody.
        self._checked_at = float("-inf")
        self._read_to: object = None

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield each message once, in order, as a server-sent event with its `seq` as id, and heartbeats between them.

        Ends when access is lost, and with a retry hint when the token has expired or the server stops.
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
                    self._after, self._sent_at = seq, self._now()
                if self._now() >= self._sent_at + HEARTBEAT_SECONDS:
                    yield KEEPALIVE_COMMENT
                    self._sent_at = self._now()
            yield retry_hint()

    async def _news(self, subscription: Subscription) -> Page:
        """Return the next messages, which may be sent; none when a heartbeat is due, or MongoDB is away."""
        try:
            page = await self._next_page(subscription)
            # After the read, never before it.
            if page or self._now() >= self._check_due(subscription):
                await self._check_access(subscription)
            return page
        except Exception as error:
            if not is_outage(error):
                raise
            subscription.needs_recheck, self._read_to = True, None
            await subscription.wait(_OUTAGE_SECONDS)
            return ()

    async def _check_access(self, subscription: Subscription) -> None:
        subscription.needs_recheck = False
        await self._access.reauthorize()
        self._checked_at = self._now()

    def _check_due(self, subscription: Subscription) -> float:
        return self._checked_at + (_RECHECK_SECONDS if subscription.needs_recheck else HEARTBEAT_SECONDS)

    async def _next_page(self, subscription: Subscription) -> Page:
        if subscription.mark == self._read_to:
            due = min(self._check_due(subscription), self._sent_at + HEARTBEAT_SECONDS)
            await subscription.wait(max(0, due - self._now()))
            return ()
        mark = subscription.mark
        page = await self._reader.after(self._access.resource.id, self._after, mark=mark, encode=self._encode)
        if len(page) < PAGE:
            self._read_to = mark
        return page
