"""The services of messaging: each is made once, out of named collaborators."""

from parley_core import Parley
from parley_messaging.log.appender import Appender
from parley_messaging.log.budget import MessageBudget
from parley_messaging.log.repository import LogHeadReader, MessageRepository
from parley_messaging.log.service import MessageService
from parley_messaging.settings import MessagingSettings
from parley_messaging.stream.hub import Hub
from parley_messaging.stream.reader import NewMessageReader
from parley_messaging.stream.service import MessageStreams


def services_of(parley: Parley) -> list[object]:
    """Return the services of one running application."""
    messages = MessageRepository(parley.database)
    settings = parley.settings(MessagingSettings)
    appender = Appender(
        messages=messages,
        database=parley.database,
        clock=parley.clock,
        timeout_seconds=parley.request_timeout_seconds,
        waiting=settings.messages_waiting,
    )
    budget = MessageBudget(
        messages=settings.messages_per_minute, size=settings.message_bytes_per_minute, clock=parley.clock
    )
    service = MessageService(messages=messages, appender=appender, budget=budget)
    heads, hub = LogHeadReader(parley.database), Hub()
    streams = MessageStreams(heads=heads, hub=hub, reader=NewMessageReader(messages))
    return [messages, heads, appender, service, hub, streams]
