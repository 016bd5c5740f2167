"""Recorded writes: one conditional update sets the new state, raises `rev` and appends the event.

State and history can't disagree, because one document holds both and one update changes both.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from parley_core.data.events import Event
from parley_core.data.invalidation import outdating
from parley_core.errors import HistoryFull

Document = dict[str, Any]

HISTORY_LIMIT = 2000
_HAS_ROOM = {f"history.{HISTORY_LIMIT - 1}": {"$exists": False}}
_LONGEST_TOLD = 200
# BSONObjectTooLarge, and what an update answers whose result would be.
_TOO_LARGE = {10334, 17419, 17420}


@dataclass(frozen=True)
class Expression:
    """A MongoDB expression of our own as a new value; everything else is taken literally."""

    of: Any


class Private:
    """A value that an event tells to have changed without telling it, such as a name."""


PRIVATE = Private()


def recorded(changes: Mapping[str, object], event: Event) -> list[Document]:
    """The pipeline update that sets `changes`, raises `rev` by one and appends `event` to `history`.

    Values are taken literally, whatever they look like; an `Expression` is evaluated on the document as it
    was before the change.
    """
    entry = {
        "$mergeObjects": [
            {"rev": _next_rev()},
            _literal(_entry(event)),
            {"audience": _evaluated(event.audience)},
        ]
    }
    new_state = {name: _evaluated(value) for name, value in changes.items()}
    return [{"$set": {**new_state, "rev": _next_rev(), "history": {"$concatArrays": ["$history", [entry]]}}}]


def first_recorded(document: Mapping[str, object], event: Event) -> Document:
    """The new `document` at `rev` 1, with `event` as the first entry of its history.

    Raises:
        TypeError: the event's audience is an `Expression`, which a document that isn't stored can't answer.
    """
    if isinstance(event.audience, Expression):
        raise TypeError("the audience of a first event must be ids")
    return {**document, "rev": 1, "history": [{"rev": 1, **_entry(event), "audience": event.audience}]}


async def insert_recorded(
    collection: AsyncCollection[Document],
    document: Mapping[str, object],
    event: Event,
    *,
    session: AsyncClientSession | None = None,
) -> None:
    """Stores a new document with its first event; what that outdates is advanced before this returns.

    Raises:
        DuplicateKeyError: a unique value is taken.
        TypeError: as `first_recorded`.
    """
    first = first_recorded(document, event)
    entry = first["history"][0]
    async with outdating(collection, first["_id"], entry, session) as write:
        await collection.insert_one(first, session=session)
        write.entry = entry


async def record(
    collection: AsyncCollection[Document],
    where: Mapping[str, object],
    changes: Mapping[str, object],
    event: Event,
    *,
    session: AsyncClientSession | None = None,
) -> Document | None:
    """Applies a recorded write to the one document that meets `where`.

    What the event outdates is advanced before this returns, in a transaction after its commit.

    Returns: the document after the change, without its history; None when no document meets `where`.

    Raises:
        HistoryFull: the document's history has no room for another entry.
    """
    async with outdating(collection, where.get("_id"), None, session) as write:
        document = await _changed(collection, where, recorded(changes, event), session)
        write.entry = document.pop("history")[-1] if document else None
    if document is None and await _is_full(collection, where, session):
        raise HistoryFull
    return document


async def _changed(
    collection: AsyncCollection[Document],
    where: Mapping[str, object],
    update: list[Document],
    session: AsyncClientSession | None,
) -> Document | None:
    try:
        return await collection.find_one_and_update(
            {**where, **_HAS_ROOM},
            update,
            projection={"history": {"$slice": -1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
    except OperationFailure as error:
        if error.code in _TOO_LARGE:
            raise HistoryFull from error
        raise


async def _is_full(
    collection: AsyncCollection[Document], where: Mapping[str, object], session: AsyncClientSession | None
) -> bool:
    full = {**where, f"history.{HISTORY_LIMIT - 1}": {"$exists": True}}
    return await collection.find_one(full, {"_id": True}, session=session) is not None


def told(value: object) -> object:
    """The value as history tells it: long text as its length and SHA-256, a private value as `{}`."""
    if isinstance(value, Private):
        return {}
    if isinstance(value, str) and len(value) > _LONGEST_TOLD:
        return {"length": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value


def _entry(event: Event) -> Document:
    return {
        "type": event.type.name,
        "at": event.at,
        "actor": event.actor.id,
        "actor_role": event.actor.role,
        "request_id": event.actor.request_id,
        "reason": event.reason,
        "changes": {name: {"from": told(old), "to": told(new)} for name, (old, new) in event.changes.items()},
    }


def _next_rev() -> Document:
    return {"$add": ["$rev", 1]}


def _literal(value: object) -> Document:
    # Unwrapped, a string such as "$password_hash" would copy that field.
    return {"$literal": value}


def _evaluated(value: object) -> object:
    return value.of if isinstance(value, Expression) else _literal(value)
