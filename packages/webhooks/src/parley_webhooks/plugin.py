"""The table of contents of webhooks."""

from contextlib import AbstractAsyncContextManager

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, EventType, KeyFile, Parley, Router, Settings, hookimpl
from parley_webhooks import events, indexes, lifespan, policy, services
from parley_webhooks.attempts.endpoints import router as attempts
from parley_webhooks.deliveries.endpoints import router as deliveries
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.subscriptions.endpoints import router as subscriptions
from parley_webhooks.transport import key_file


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [WebhooksSettings]


@hookimpl
def parley_routers() -> list[Router]:
    return [subscriptions, attempts, deliveries]


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    return indexes.INDEXES


@hookimpl
def parley_events() -> list[EventType]:
    return events.EVENTS


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_key_files() -> list[KeyFile]:
    return [key_file.KEY_FILE]


@hookimpl
def parley_services(parley: Parley) -> list[object]:
    return services.services_of(parley)


@hookimpl
def parley_lifespan(parley: Parley) -> AbstractAsyncContextManager[None]:
    return lifespan.webhooks_lifespan(parley)
