"""The table of contents of webhooks."""

from parley_core import Settings, hookimpl
from parley_webhooks.settings import WebhooksSettings


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [WebhooksSettings]
