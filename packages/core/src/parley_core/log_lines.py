"""What is logged: lines with the name of an event and fields, for programs as well as for people.

A line is the message of an ordinary logging call: `_log.warning(LogLine("relay_paused", "the relay waits ({error})",
error=name))`. Any configuration of logging can show it; `parley_core.log_format` makes it a JSON object.
"""

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar

Value = str | int | float | bool | None
current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""The id of the request that the running code answers: what is logged meanwhile has it."""


class LogLine:
    """A line of the log.

    Args:
        event: what happened, one of the names in docs/log.md: programs look for it, so it doesn't change.
        text: what a person reads, with the names of fields in braces; without a text that is the event.
        fields: what else is known: ids, words and numbers, never a secret, an e-mail, a name or a path. One that is
            None is left out.
    """

    __slots__ = ("event", "fields", "text")

    def __init__(self, event: str, text: str = "", /, **fields: Value) -> None:
        self.event = event
        self.text = text
        self.fields: Mapping[str, Value] = fields

    @property
    def message(self) -> str:
        """The text with the values of the fields that it names."""
        return self.text.format_map(self.fields) if self.text else self.event

    @property
    def known(self) -> Mapping[str, Value]:
        """The fields that aren't None."""
        fields = self.fields
        return (
            {name: fields[name] for name in fields if fields[name] is not None} if None in fields.values() else fields
        )

    def __str__(self) -> str:
        """Return the message, and behind it the fields that it doesn't name."""
        more = [f" {name}={value}" for name, value in self.known.items() if f"{{{name}" not in self.text]
        return self.message + "".join(more)


def announcer(log: logging.Logger, level: int, event: str) -> Callable[[str], None]:
    """Return a function that logs a sentence.

    Args:
        log: where.
        level: how urgent that is.
        event: the event's name.
    """
    return lambda sentence: log.log(level, LogLine(event, "{sentence}", sentence=sentence))
