"""Recorded writes: one conditional update sets the new state, raises `rev` and appends the event.

State and event can't disagree, because one document contains both and one update changes both. The relay then brings
the event into the log and removes it from the document, which so never fills.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from parley_core.data.documents import Document, Session
from parley_core.data.entries import Expression, check_declared, entry_of, full_entry_of, kind_of
from parley_core.data.events import Event
from parley_core.data.handle import Database
from parley_core.data.publication import Written, publish_after_commit, publishing
from parley_core.data.unrelayed import Unit


async def insert_recorded(
    collection: AsyncCollection[Document],
    document: Mapping[str, object],
    event: Event,
    *,
    session: Session | None = None,
) -> None:
    """Store a new document at `rev` 1, with its first event; what that invalidates is invalid before this returns.

    Args:
        collection: one of the application's own database, `parley.database`, declared as recorded.
        document: with its `_id`.
        event: of a declared type; its audience is ids.
        session: the caller's transaction.

    Raises:
        DuplicateKeyError: a unique value is taken.
        TypeError: the collection is of another handle or isn't declared as recorded, the event's type isn't declared
            or is of another kind than the collection's, or its audience is an `Expression`, which a document that isn't
            stored can't answer.
    """
    database = _database_of(collection, event)
    entry = full_entry_of(event, 1)
    new = {**document, "rev": 1, "history": [entry]}
    async with publishing(database, Unit(collection.name, str(new["_id"])), session) as written:
        await collection.insert_one(new, session=session)
        written.append(_as_logged(entry, str(new["_id"])))


async def insert_all_recorded(
    collection: AsyncCollection[Document],
    new: Sequence[tuple[Mapping[str, object], Event]],
    *,
    session: Session,
) -> None:
    """Store several new documents, each with its first event, by one command; see `insert_recorded`.

    Args:
        collection: one of the application's own database, `parley.database`, declared as recorded.
        new: documents with their `_id`, and the event of each.
        session: the caller's transaction, with which all of them are stored or none.
    """
    if not new:
        return
    documents, written = [], []
    for document, event in new:
        database, entry = _database_of(collection, event), full_entry_of(event, 1)
        documents.append({**document, "rev": 1, "history": [entry]})
        key = str(document["_id"])
        written.append(Written(database, Unit(collection.name, key), [_as_logged(entry, key)]))
    # For one document `insert_many` does a third more.
    if len(documents) == 1:
        await collection.insert_one(documents[0], session=session)
    else:
        await collection.insert_many(documents, session=session)
    await publish_after_commit(written, session)


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
        collection: one of the application's own database, `parley.database`, declared as recorded.
        where: the condition of the write, its `_id` included.
        changes: field -> new value, taken literally; an `Expression` is evaluated on the document before the change.
        event: of a declared type.
        session: the caller's transaction.

    Returns: the document after the change, without its history; None when no document meets `where`.

    Raises:
        TypeError: the collection is of another handle or isn't declared as recorded, or the event's type isn't declared
            or is of another kind than the collection's.
    """
    database = _database_of(collection, event)
    async with publishing(database, Unit(collection.name, str(where["_id"])), session) as written:
        document = await collection.find_one_and_update(
            where,
            _update(changes, event),
            projection={"history": {"$slice": -1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if document is not None:
            written += [_as_logged(entry, document["_id"]) for entry in document.pop("history")]
    return document


async def record_at(
    collection: AsyncCollection[Document],
    document_id: str,
    rev: int,
    changes: Mapping[str, object],
    event: Event,
    *,
    where: Mapping[str, object],
    appended: Mapping[str, object] = MappingProxyType({}),
) -> bool:
    """Do what `record` does, to a document that is still at the revision at which it was read.

    Such writes that come while one is under way share the next command, which costs each of them less than half.

    Args:
        collection: one of the application's own database, `parley.database`, declared as recorded.
        document_id: which document.
        rev: the revision at which it was read; the next one is that of the change.
        changes: field -> new value, taken literally.
        event: of a declared type; its audience is ids.
        where: what else is a condition of the write, without `_id`.
        appended: field -> a value that is appended to the list there, taken literally.

    Returns: whether the document met the condition, and was changed.

    Raises:
        TypeError: as for `record`; or the audience is an `Expression`.
        Unavailable: too many writes wait, or it isn't known whether this one was done.
    """
    database, entry = _database_of(collection, event), full_entry_of(event, rev + 1)
    update = {"$set": {**changes, "rev": rev + 1}, "$push": {**appended, "history": entry}}
    async with publishing(database, Unit(collection.name, document_id), None) as written:
        is_done = await database.grouped.update(collection.name, document_id, rev, where, update)
        if is_done:
            written.append(_as_logged(entry, document_id))
    return is_done


def _database_of(collection: AsyncCollection[Document], event: Event) -> Database:
    """Return the database of a collection, once it is sure that this event may be recorded in it."""
    database = collection.database
    if not isinstance(database, Database):
        raise TypeError(
            f"collection '{collection.name}' belongs to another handle of the database, whose writes "
            "invalidate nothing: take it from parley.database"
        )
    if collection.name not in database.recorded:
        raise TypeError(
            f"collection '{collection.name}' isn't declared as recorded: return "
            f"CollectionIndexes('{collection.name}', ..., recorded=True) from the hook parley_indexes"
        )
    check_declared(database, event)
    kind = kind_of(event.type.name)
    if (known := database.kinds.setdefault(collection.name, kind)) != kind:
        raise TypeError(
            f"event type '{event.type.name}' can't be recorded in collection '{collection.name}', whose documents are "
            f"of kind '{known}': one collection has one kind, the word before the dot in its event types' names"
        )
    return database


def _as_logged(entry: Mapping[str, Any], document_id: str) -> Mapping[str, Any]:
    return {**entry, "kind": kind_of(entry["type"]), "subject_id": document_id}


def _update(changes: Mapping[str, object], event: Event) -> list[Document]:
    """Return the pipeline update of a recorded write."""
    entry = {
        "$mergeObjects": [
            {"rev": _next_rev()},
            _literal(entry_of(event)),
            {"audience": _evaluated(event.audience)},
        ]
    }
    new_state = {name: _evaluated(value) for name, value in changes.items()}
    history = {"$concatArrays": [{"$ifNull": ["$history", []]}, [entry]]}
    return [{"$set": {**new_state, "rev": _next_rev(), "history": history}}]


def _next_rev() -> Document:
    return {"$add": ["$rev", 1]}


def _literal(value: object) -> Document:
    # Unwrapped, a string such as "$password_hash" would copy that field.
    return {"$literal": value}


def _evaluated(value: object) -> object:
    return value.of if isinstance(value, Expression) else _literal(value)
