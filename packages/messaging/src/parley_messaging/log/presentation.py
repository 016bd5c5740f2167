"""How a log looks from outside: its messages, and the sentences about it in the OpenAPI document."""

from functools import cache
from typing import Any

from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field, create_model

from parley_core import Page
from parley_core.http.event_stream import streamed
from parley_messaging.log import schemas
from parley_messaging.models import Message, MessageLog


@cache
def schema_of(log: MessageLog) -> type[schemas.Message]:
    """Return the schema of a log's messages, in which the log's id is called like the path's parameter."""
    return create_model(
        "".join(word.capitalize() for word in log.name.split("_")),
        __base__=schemas.Message,
        __doc__=f"A message of the {words_of(log.scope)}'s log.",
        log_id=(str, Field(serialization_alias=log.path_param)),
    )


def page_of(log: MessageLog) -> type[BaseModel]:
    """Return the schema of a page of a log."""
    schema: Any = schema_of(log)
    return Page[schema]


def event_of(message: Message, *, log: MessageLog) -> bytes:
    """Return a message as a server-sent event with its `seq` as id."""
    shown = schema_of(log).model_validate(message).model_dump_json(by_alias=True)
    return format_sse_event(data_str=shown, id=str(message.seq))


def heading(log: MessageLog) -> str:
    """Return what the log is, for the heading of its operations."""
    return f"What those who take part in the {words_of(log.scope)} write to each other."


def posting(log: MessageLog) -> str:
    """Return what posting does."""
    ends = f", until {log.until}" if log.until else ""
    return f"Append a message to the {words_of(log.scope)}'s log; participants may{ends}."


def pages(log: MessageLog) -> str:
    """Return what a page is."""
    return (
        f"List the {words_of(log.scope)}'s messages, oldest first unless sorted otherwise; "
        "`total` counts all between the bounds."
    )


def stream_of(log: MessageLog) -> dict[int | str, dict[str, Any]]:
    """Return what the stream of a log sends."""
    [example] = schema_of(log).model_json_schema()["examples"]
    return streamed(f"a message, as `{schema_of(log).__name__}` describes it", place="seq", example=example)


def words_of(name: str) -> str:
    """Return a name as it is read."""
    return name.replace("_", " ")
