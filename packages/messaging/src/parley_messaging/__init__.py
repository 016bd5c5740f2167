"""An append-only message log for the participants of any resource."""

from parley_messaging.composition import messages_of
from parley_messaging.models import Message, MessageLog

__all__ = ["Message", "MessageLog", "messages_of"]
