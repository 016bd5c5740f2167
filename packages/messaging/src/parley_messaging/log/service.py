"""The rules of message logs."""

from parley_auth import ScopedAccess
from parley_core.data.keyset import Place, Sort
from parley_core.errors import InvalidSort
from parley_messaging.log.appender import Appender
from parley_messaging.log.budget import MessageBudget
from parley_messaging.log.repository import MessageRepository
from parley_messaging.log.schemas import MessageCreate, MessageQuery
from parley_messaging.models import Draft, Excerpt, Posted, Window

_DIRECTIONS = {"seq": 1, "-seq": -1}


class MessageService:
    """Posts to logs and reads them."""

    def __init__(self, *, messages: MessageRepository, appender: Appender, budget: MessageBudget) -> None:
        self._messages = messages
        self._appender = appender
        self._budget = budget

    async def post(self, access: ScopedAccess, wanted: MessageCreate, *, action: str) -> Posted:
        """Append the caller's message, or find it where they posted it before.

        Raises:
            TooManyMessages: the caller has posted as much in this minute as one user may.
            ParleyError: as `Appender.append` does.
        """
        sender = access.principal
        self._budget.spend(sender.id, len(wanted.content.encode()))
        draft = Draft(
            sender.id,
            wanted.content,
            wanted.client_message_id,
            sender_role=sender.role,
            request_id=access.request_id,
        )
        return await self._appender.append(access, draft, action=action)

    async def page(self, log_id: str, query: MessageQuery) -> Excerpt:
        """Return the messages that a query asks for.

        Raises:
            InvalidSort: the order is neither `seq` nor `-seq`.
        """
        direction = _direction(query.sort)
        window = _window(query, head=await self._messages.head(log_id))
        # Read downwards, the pages of a walk shift with each new message unless their window is fixed.
        pins = {"before_seq": window.last + 1} if direction < 0 else {}
        if query.sender_id is not None:
            place = Place(Sort(query.sort, (("seq", direction),)), None, query.offset)
            found = await self._messages.by_sender(
                log_id, query.sender_id, window, place, limit=query.limit, counts=query.total
            )
            return Excerpt(found.items, found.total, found.end is not None, pins)
        page = window.page(direction, limit=query.limit, offset=query.offset)
        messages = await self._messages.within(log_id, page, direction=direction)
        return Excerpt(messages, window.size, query.offset + len(messages) < window.size, pins)


def _direction(sort: str) -> int:
    if sort not in _DIRECTIONS:
        raise InvalidSort("Sort by seq, '-' for descending")
    return _DIRECTIONS[sort]


def _window(query: MessageQuery, *, head: int) -> Window:
    last = head if query.before_seq is None else min(head, query.before_seq - 1)
    return Window(query.after_seq or 0, last)
