"""The table of contents of messaging: every hook that it implements, for the logs that an application has."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, EventType, Migration, Parley, Router, Settings, StartupError, hookimpl
from parley_messaging import events, indexes, lifespan, migrations, policy, services
from parley_messaging.log.endpoints import log_router
from parley_messaging.models import MessageLog
from parley_messaging.settings import MessagingSettings
from parley_messaging.stream.endpoints import stream_router


class Messages:
    """The plugin of messages: what is stored and what runs is there once, routes and rules for each kind of log.

    Args:
        logs: the kinds of logs.

    Raises:
        StartupError: two of them are of one scope; both would show the same messages.
    """

    def __init__(self, logs: Sequence[MessageLog]) -> None:
        for scope, count in Counter(log.scope for log in logs).items():
            if count > 1:
                raise StartupError(f"scope '{scope}' has two logs of messages: a resource has one")
        self._routers = [router for log in logs for router in (log_router(log), stream_router(log))]
        self._policies = [rule for log in logs for rule in policy.rules_of(log)]

    @hookimpl
    def parley_settings(self) -> list[type[Settings]]:
        return [MessagingSettings]

    @hookimpl
    def parley_routers(self) -> list[Router]:
        return self._routers

    @hookimpl
    def parley_indexes(self) -> list[CollectionIndexes]:
        return indexes.INDEXES

    @hookimpl
    def parley_migrations(self) -> list[Migration]:
        return migrations.MIGRATIONS

    @hookimpl
    def parley_events(self) -> list[EventType]:
        return events.EVENTS

    @hookimpl
    def parley_policies(self) -> list[PolicyRule]:
        return self._policies

    @hookimpl
    def parley_services(self, parley: Parley) -> list[object]:
        return services.services_of(parley)

    @hookimpl
    def parley_lifespan(self, parley: Parley) -> AbstractAsyncContextManager[None]:
        return lifespan.messaging_lifespan(parley)


def messages_of(*logs: MessageLog) -> Messages:
    """Return a plugin that gives the resources of participant scopes messages.

    An application has one such plugin, since it owns the collections; for several scopes it is given several logs.

    Args:
        logs: the kinds of logs, each of another scope.

    Raises:
        StartupError: two of them are of one scope.
    """
    return Messages(logs)
