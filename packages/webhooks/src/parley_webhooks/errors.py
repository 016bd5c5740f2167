"""The errors of webhooks."""

from parley_core.errors import BusinessRuleError, NotFoundError


class WebhookNotFound(NotFoundError):
    code = "webhook_not_found"
    title = "There is no such webhook"


class WebhookUrlRefused(BusinessRuleError):
    code = "webhook_url_refused"
    title = "A webhook's url is https, without user name and fragment, and its host has public addresses only"


class TooManyWebhooks(BusinessRuleError):
    code = "too_many_webhooks"
    title = "There are 10 webhooks: delete one that is not needed any more"


class WebhooksNotConfigured(BusinessRuleError):
    code = "webhooks_not_configured"
    title = "Webhooks need a key that seals their secrets: set PARLEY_WEBHOOKS_KEY and restart"


class EventNotFound(NotFoundError):
    code = "event_not_found"
    title = "The log has no event at this position"
