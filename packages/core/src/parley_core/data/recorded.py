"""Recorded writes: one conditional update sets the new state, raises `rev` and appends the event.

State and history can't disagree, because one document contains both and one update changes both.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from parley_core.data.documents import Document, Session
from parley_core.data.events import Event
from parley_core.data.handle import Database
from parley_core.data.invalidation import invalidating
from parley_core.errors import HistoryFull

HISTORY_LIMIT = 2000
_HAS_ROOM = {f"history.{HISTORY_LIMIT - 1}": {"$exists": False}}
_MAX_TEXT = 200
# BSONObjectTooLarge, and the codes of an update whose result would be too large.
_TOO_LARGE = {10334, 17419, 17420}


@dataclass(frozen=True)
class Expression:
    """A MongoDB expression as a new value; every other value is taken literally, whatever it looks like."""

    of: Any


class Private:
    """A value whose change an event records without the value itself, such as a name."""


PRIVATE = Private()


async def insert_recorded(
    collection: AsyncCollection[Document],
    document: Mapping[str, object],
    event: Event,
    *,
    session: Session | None = None,
) -> None:
    """Store a new document at `rev` 1, with its first event; what that invalidates is invalid before this returns.

    Args:
        collection: one of the application's own database, `parley.database`.
        document: with its `_id`.
        event: of a declared type; its audience is ids.
        session: the caller's transaction.

    Raises:
        DuplicateKeyError: a unique value is taken.
        TypeError: the collection is of another handle, the event's type isn't declared, or its audience is an
            `Expression`, which a document that isn't stored can't answer.
    """
    database = _database_of(collection, event)
    entry = {"rev": 1, **_entry(event), "audience": _ids(event.audience)}
    new = {**document, "rev": 1, "history": [entry]}
    generations = database.generations
    async with invalidating(generations, collection, new["_id"], entry=entry, session=session) as write:
        await collection.insert_one(new, session=session)
        write.entry = entry


async def record(
    collection: AsyncCollection[Document],
    where: Mapping[str, object],
    changes: Mapping[str, object],
    event: Event,
    *,
    session: Session | None = None,
) -> Document | None:
    """Apply `changes` to the one document that meets `where`, raise its `rev` by one and append the event.

    What the event invalidates is invalid before this returns, in a transaction after its commit.

    Args:
        collection: one of the application's own database, `parley.database`.
        where: the condition of the write, its `_id` included.
        changes: field -> new value, taken literally; an `Expression` is evaluated on the document before the change.
        event: of a declared type.
        session: the caller's transaction.

    Returns: the document after the change, without its history; None when no document meets `where`.

    Raises:
        HistoryFull: the document's history has no room for another entry.
        TypeError: the collection is of another handle, or the event's type isn't declared.
    """
    database = _database_of(collection, event)
    async with invalidating(database.generations, collection, where.get("_id"), session=session) as write:
        document = await _changed(collection, where, _update(changes, event), session)
        write.entry = document.pop("history")[-1] if document else None
    if document is None and await _is_full(collection, where, session):
        raise HistoryFull
    return document


def _database_of(collection: AsyncCollection[Document], event: Event) -> Database:
    """Return the database of a collection, once it is sure that an event of this type may be recorded in it."""
    database = collection.database
    if not isinstance(database, Database):
        raise TypeError(
            f"collection '{collection.name}' belongs to another handle of the database, whose writes "
            "invalidate nothing: take it from parley.database"
        )
    if database.event_types.get(event.type.name) != event.type:
        raise TypeError(f"event type '{event.type.name}' isn't declared: return it from the hook parley_events")
    return database


def _update(changes: Mapping[str, object], event: Event) -> list[Document]:
    """Return the pipeline update of a recorded write."""
    entry = {
        "$mergeObjects": [
            {"rev": _next_rev()},
            _literal(_entry(event)),
            {"audience": _evaluated(event.audience)},
        ]
    }
    new_state = {name: _evaluated(value) for name, value in changes.items()}
    return [{"$set": {**new_state, "rev": _next_rev(), "history": {"$concatArrays": ["$history", [entry]]}}}]


async def _changed(
    collection: AsyncCollection[Document],
    where: Mapping[str, object],
    update: list[Document],
    session: Session | None,
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


async def _is_full(collection: AsyncCollection[Document], where: Mapping[str, object], session: Session | None) -> bool:
    full = {**where, f"history.{HISTORY_LIMIT - 1}": {"$exists": True}}
    return await collection.find_one(full, {"_id": True}, session=session) is not None


def redacted(value: object) -> object:
    """Return a value as history keeps it: long text as its length and SHA-256, a private value as `{}`."""
    if isinstance(value, Private):
        return {}
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return {"length": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value


def _ids(audience: object) -> object:
    if isinstance(audience, Expression):
        raise TypeError("the audience of a first event must be ids")
    return audience


def _entry(event: Event) -> Document:
    return {
        "type": event.type.name,
        "at": event.at,
        "actor": event.actor.id,
        "actor_role": event.actor.role,
        "request_id": event.actor.request_id,
        "reason": event.reason,
        "changes": {name: {"from": redacted(old), "to": redacted(new)} for name, (old, new) in event.changes.items()},
    }


def _next_rev() -> Document:
    return {"$add": ["$rev", 1]}


def _literal(value: object) -> Document:
    # Unwrapped, a string such as "$password_hash" would copy that field.
    return {"$literal": value}


def _evaluated(value: object) -> object:
    return value.of if isinstance(value, Expression) else _literal(value)
