"""Who follows which log in this process, and what wakes them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Subscription:
    """One follower of a log."""

    __slots__ = ("_woken", "is_doubted", "is_over", "mark")

    def __init__(self, *, is_over: bool) -> None:
        self.mark: object = object()
        """Changes when there may be more to read; followers that were told the same have the same."""
        self.is_doubted = False
        """Whether something has changed by which the follower may have lost his access."""
        self.is_over = is_over
        """Whether the process stops."""
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Ends the present `wait`, or the next one."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Returns when it is woken, or when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()


class Hub:
    """All followers of a process, by the interview and by the user."""

    def __init__(self) -> None:
        self._of_interview: dict[str, set[Subscription]] = defaultdict(set)
        self._of_user: dict[str, set[Subscription]] = defaultdict(set)
        self._is_over = False

    @property
    def followers(self) -> int:
        """How many subscriptions there are."""
        return sum(map(len, self._of_interview.values()))

    @contextmanager
    def subscribed(self, interview_id: str, user_id: str) -> Iterator[Subscription]:
        """A subscription for the time of the block."""
        subscription = Subscription(is_over=self._is_over)
        self._of_interview[interview_id].add(subscription)
        self._of_user[user_id].add(subscription)
        try:
            yield subscription
        finally:
            _discard(self._of_interview, interview_id, subscription)
            _discard(self._of_user, user_id, subscription)

    def tell_of_messages(self, interview_id: str, mark: object) -> None:
        """A log has grown; `mark` is another for each growth."""
        for subscription in self._of_interview.get(interview_id, ()):
            subscription.mark = mark
            subscription.wake()

    def doubt_interview(self, interview_id: str) -> None:
        """Who follows this interview may no longer be allowed to."""
        _doubt(self._of_interview, interview_id)

    def doubt_user(self, user_id: str) -> None:
        """This user may no longer be allowed to follow what he follows."""
        _doubt(self._of_user, user_id)

    def doubt_all(self) -> None:
        """Nobody knows what has happened meanwhile."""
        mark = object()
        for interview_id in self._of_interview:
            self.doubt_interview(interview_id)
            self.tell_of_messages(interview_id, mark)

    def end(self) -> None:
        """The process stops: ends all subscriptions, those to come included."""
        self._is_over = True
        for subscriptions in self._of_interview.values():
            for subscription in subscriptions:
                subscription.is_over = True
                subscription.wake()


def _discard(followers: dict[str, set[Subscription]], key: str, subscription: Subscription) -> None:
    followers[key].discard(subscription)
    if not followers[key]:
        del followers[key]


def _doubt(followers: Mapping[str, set[Subscription]], key: str) -> None:
    for subscription in followers.get(key, ()):
        subscription.is_doubted = True
        subscription.wake()
