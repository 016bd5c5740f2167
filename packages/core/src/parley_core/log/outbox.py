"""The outbox: events that happen to no recorded document wait here for the relay, in documents shaped like those."""

from collections.abc import Mapping
from typing import Any

from pymongo import IndexModel

from parley_core.data.documents import Document, Session
from parley_core.data.entries import check_declared, full_entry_of
from parley_core.data.events import Event
from parley_core.data.handle import Database
from parley_core.data.indexes import CollectionIndexes
from parley_core.data.publication import publishing
from parley_core.data.unrelayed import Unit
from parley_core.log.reader import id_of

OUTBOX = "outbox"
INDEXES = CollectionIndexes(OUTBOX, (IndexModel([("subject", 1), ("history.0.rev", 1)], name="subject"),))


async def emit(
    database: Database, *, kind: str, subject_id: str, events: Mapping[int, Event], session: Session
) -> None:
    """Record events of something that has no recorded document, in the caller's transaction.

    The caller counts the revisions, and its transaction makes them dense: like a counter that the same transaction
    advances. Those of one call are stored together.

    Args:
        database: the application's own, `parley.database`.
        kind: what kind of thing it is, like `message_log`.
        subject_id: the thing.
        events: revision -> event, of declared types, in ascending order; their audience is ids.
        session: the transaction.

    Raises:
        TypeError: an event's type isn't declared, its audience is an `Expression`, or the kind is that of recorded
            documents.
    """
    for event in events.values():
        check_declared(database, event)
    if kind in database.kinds.values():
        raise TypeError(f"events of kind '{kind}' belong to recorded documents: emit them as another kind")
    entries = [full_entry_of(event, rev) for rev, event in events.items()]
    if not entries:
        return
    subject = {"kind": kind, "subject_id": subject_id}
    unit = Unit(OUTBOX, subject_key(subject))
    async with publishing(database, unit, session) as written:
        await database[OUTBOX].insert_one(_document(subject, entries), session=session)
        written += [{**entry, **subject} for entry in entries]


def subject_key(document: Mapping[str, Any]) -> str:
    """Return the key of the unit in which a subject's events wait."""
    return f"{document['kind']}:{document['subject_id']}"


def _document(subject: Mapping[str, str], entries: list[Document]) -> Document:
    first = id_of(subject["kind"], subject["subject_id"], entries[0]["rev"])
    return {"_id": first, "subject": subject_key(subject), **subject, "history": entries}
