"""How much each user may post in a minute; each worker counts for itself (docs/decisions/0026)."""

import logging
import math

from parley_core import Clock
from parley_core.log_lines import LogLine
from parley_core.refusals import RefusalLog
from parley_messaging.errors import TooManyMessages

_SECONDS = 60
_log = logging.getLogger("parley.messaging")


def _refused(count: int) -> LogLine:
    return LogLine("messages_refused", "messages refused to users who have posted too many: {count}", count=count)


class MessageBudget:
    """Counts the messages of each user, and their bytes, from one full minute to the next.

    Only those are remembered who have posted since the minute began. A message that is refused isn't counted; one that
    is sent again is.

    Args:
        messages: messages of a user in a minute at most; 0 for no limit.
        size: bytes of a user's messages in a minute at most; 0 for no limit.
        clock: returns the time.
    """

    def __init__(self, *, messages: int, size: int, clock: Clock) -> None:
        self._messages = messages or math.inf
        self._size = size or math.inf
        self._clock = clock
        self._minute = 0
        self._spent: dict[str, tuple[int, int]] = {}
        self._refusals = RefusalLog(_log, _refused, budget="messages", clock=clock)

    @property
    def users(self) -> int:
        """The number of users who are remembered."""
        return len(self._spent)

    def spend(self, user_id: str, size: int) -> None:
        """Count a message of this many bytes; raise `TooManyMessages` (429) where it is one too many for its user."""
        minute, second = divmod(self._clock().timestamp(), _SECONDS)
        if minute != self._minute:
            self._minute, self._spent = int(minute), {}
        messages, bytes_ = self._spent.get(user_id, (0, 0))
        if messages + 1 > self._messages or bytes_ + size > self._size:
            self._refusals.add()
            raise TooManyMessages(headers={"Retry-After": str(math.ceil(_SECONDS - second))})
        self._spent[user_id] = messages + 1, bytes_ + size
