"""The errors of the log; a module of its own, like every package's."""

from parley_core.errors import ValidationError


class UnknownEventType(ValidationError):
    code = "unknown_event_type"
    title = "There is no event type of that name: GET /v1/events/types lists them"
