"""What messaging answers when it can't post as asked."""

from parley_core.errors import BusinessRuleError


class ClientMessageIdReused(BusinessRuleError):
    code = "client_message_id_reused"
    title = "Another message was posted with this client_message_id"
