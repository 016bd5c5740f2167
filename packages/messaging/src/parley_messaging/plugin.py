"""The plugin that the entry point names, messages in interviews, and the one module that knows what an interview is."""

from parley_messaging.composition import messages_of
from parley_messaging.models import MessageLog

LOG = MessageLog(
    scope="interview",
    prefix="/interviews/{interview_id}/messages",
    states=frozenset({"scheduled", "ongoing"}),
    until="the interview is completed or cancelled",
)

_messages = messages_of(LOG)

parley_settings = _messages.parley_settings
parley_routers = _messages.parley_routers
parley_indexes = _messages.parley_indexes
parley_migrations = _messages.parley_migrations
parley_events = _messages.parley_events
parley_policies = _messages.parley_policies
parley_services = _messages.parley_services
parley_lifespan = _messages.parley_lifespan
