"""The errors of messaging; a module of its own, like every package's."""

from parley_core.errors import BusinessRuleError, RateLimitError


class ClientMessageIdReused(BusinessRuleError):
    code = "client_message_id_reused"
    title = "This client_message_id belongs to a message with other content; choose another one"


class TooManyMessages(RateLimitError):
    code = "too_many_messages"
    title = "You have posted too many messages in this minute: wait for the time in Retry-After"
