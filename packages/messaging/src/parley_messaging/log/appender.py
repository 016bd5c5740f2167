"""Appending to logs: concurrent posts to one log share one transaction."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from parley_auth import ScopedAccess, lock_together
from parley_core import Clock, Database, ParleyError, Session, in_transaction
from parley_core.data.batches import Batches, group_sizes
from parley_core.data.deadline import time_limit
from parley_core.data.failures import DatabaseError, has_unknown_outcome
from parley_core.errors import Unavailable
from parley_messaging.errors import ClientMessageIdReused
from parley_messaging.log.repository import MessageRepository, key_of
from parley_messaging.models import Draft, Message, Posted

_SIZES = group_sizes("parley.messages.group.size", "{message}", "Messages that were appended in one transaction.")


@dataclass(frozen=True)
class _Post:
    """A draft, and what its sender's guard has found."""

    access: ScopedAccess
    draft: Draft


class _Target(NamedTuple):
    """What the posts of a batch have in common: their log, and the action that must be possible."""

    log_id: str
    action: str


class Appender:
    """Appends messages to the logs of one application.

    Args:
        messages: the logs.
        database: where the transactions run.
        clock: the time of a message.
        timeout_seconds: how long the transaction of a batch may take, and a post wait that has no deadline of its own.
        waiting: posts to one log that may wait; more are refused.
    """

    def __init__(
        self,
        *,
        messages: MessageRepository,
        database: Database,
        clock: Clock,
        timeout_seconds: float,
        waiting: int,
    ) -> None:
        self._messages = messages
        self._database = database
        self._clock = clock
        self._timeout = timeout_seconds
        self._batches: Batches[_Target, _Post, Posted] = Batches(
            self._settle, longest=waiting, patience=timeout_seconds, sizes=_SIZES, budget="messages_waiting"
        )

    async def append(self, access: ScopedAccess, draft: Draft, *, action: str) -> Posted:
        """Append a draft and return the message that it has become; it is stored for good when this returns.

        Args:
            access: what the sender's guard has found; the log is its resource's.
            draft: the message.
            action: what the sender must be allowed to do at the moment of the commit.

        Raises:
            ParleyError: meanwhile the resource is gone or closed, or the sender was removed from it.
            ClientMessageIdReused: the sender gave this `client_message_id` to another message.
            Unavailable: it isn't known to be stored. A draft with a `client_message_id` can safely be sent again.
        """
        return await self._batches.submit(_Target(access.resource.id, action), _Post(access, draft))

    async def close(self) -> None:
        """Stop; posts that wait are answered `Unavailable`."""
        await self._batches.close()

    async def _settle(self, target: _Target, posts: Sequence[_Post]) -> Sequence[Posted | Exception]:
        try:
            with time_limit(self._timeout):
                return await self._commit(target, posts)
        except DatabaseError as error:
            if not has_unknown_outcome(error):
                raise
            return [Unavailable() for _ in posts]

    async def _commit(self, target: _Target, posts: Sequence[_Post]) -> Sequence[Posted | Exception]:
        async def append(session: Session) -> Sequence[Posted | Exception]:
            refused = await lock_together([post.access for post in posts], session, target.action)
            admitted = [post.draft for post in posts if post.access.principal not in refused]
            stored = await self._stored(target.log_id, admitted, session)
            return [refused.get(post.access.principal) or stored[post.draft] for post in posts]

        try:
            return await in_transaction(self._database.client, append)
        except ParleyError as refusal:
            return await self._repeated(target.log_id, posts, refusal)

    async def _stored(
        self, log_id: str, drafts: Sequence[Draft], session: Session
    ) -> Mapping[Draft, Posted | Exception]:
        """Return what each draft has become, stored now unless it was before."""
        known = await self._messages.known(log_id, drafts, session)
        fresh = list({key_of(draft): draft for draft in reversed(drafts) if key_of(draft) not in known}.values())[::-1]
        written = await self._messages.append(log_id, fresh, at=self._clock(), session=session)
        messages = known | {key_of(draft): message for draft, message in zip(fresh, written, strict=True)}
        are_new = set(fresh)
        return {draft: _outcome(draft, messages[key_of(draft)], is_new=draft in are_new) for draft in drafts}

    async def _repeated(
        self, log_id: str, posts: Sequence[_Post], refusal: ParleyError
    ) -> Sequence[Posted | Exception]:
        """Return what was stored before the resource closed to those who ask again, and the refusal to all others."""
        known = await self._messages.known(log_id, [post.draft for post in posts])
        return [
            _outcome(post.draft, known[key], is_new=False)
            if (key := key_of(post.draft)) in known
            else copy.copy(refusal)
            for post in posts
        ]


def _outcome(draft: Draft, message: Message, *, is_new: bool) -> Posted | ParleyError:
    return Posted(message, is_new=is_new) if message.content == draft.content else ClientMessageIdReused()
