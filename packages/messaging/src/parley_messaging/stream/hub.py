"""The followers of all logs in this process, and what wakes them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from parley_core.waiting import is_set


class Subscription:
    """One follower of a log."""

    __slots__ = ("_woken", "is_over", "mark", "needs_recheck")

    def __init__(self, *, is_over: bool) -> None:
        self.mark: object = object()
        """Changes when there may be more to read; followers that know the same of a log have the same mark."""
        self.needs_recheck = False
        """Whether something has changed that may have ended the follower's access."""
        self.is_over = is_over
        """Whether the process stops."""
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the present `wait`, or the next one."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Return when it is woken, or when the time is over."""
        try:
            await is_set(self._woken, seconds)
        finally:
            self._woken.clear()


class Hub:
    """All followers of a process, by log and by user."""

    def __init__(self) -> None:
        self._of_log: dict[str, set[Subscription]] = defaultdict(set)
        self._of_user: dict[str, set[Subscription]] = defaultdict(set)
        self._is_over = False

    @property
    def followers(self) -> int:
        """The number of subscriptions."""
        return sum(map(len, self._of_log.values()))

    @contextmanager
    def subscribed(self, log_id: str, user_id: str) -> Iterator[Subscription]:
        """Subscribe for the time of the block."""
        subscription = Subscription(is_over=self._is_over)
        self._of_log[log_id].add(subscription)
        self._of_user[user_id].add(subscription)
        try:
            yield subscription
        finally:
            _discard(self._of_log, log_id, subscription)
            _discard(self._of_user, user_id, subscription)

    def wake_readers(self, log_id: str, mark: object) -> None:
        """Wake the followers of a log that has grown; `mark` differs for each growth."""
        for subscription in self._of_log.get(log_id, ()):
            subscription.mark = mark
            subscription.wake()

    def recheck_log(self, log_id: str) -> None:
        """Have the access of everybody who follows this log checked again."""
        _recheck(self._of_log.get(log_id, ()))

    def recheck_user(self, user_id: str) -> None:
        """Have this user's access checked again, whatever they follow."""
        _recheck(self._of_user.get(user_id, ()))

    def recheck_all(self) -> None:
        """Have everything read and checked again, since events may have been missed."""
        mark = object()
        for log_id in self._of_log:
            self.recheck_log(log_id)
            self.wake_readers(log_id, mark)

    def end(self) -> None:
        """End all subscriptions, those to come included, since the process stops."""
        self._is_over = True
        for subscriptions in self._of_log.values():
            for subscription in subscriptions:
                subscription.is_over = True
                subscription.wake()


def _discard(followers: dict[str, set[Subscription]], key: str, subscription: Subscription) -> None:
    followers[key].discard(subscription)
    if not followers[key]:
        del followers[key]


def _recheck(subscriptions: Iterable[Subscription]) -> None:
    for subscription in subscriptions:
        subscription.needs_recheck = True
        subscription.wake()
