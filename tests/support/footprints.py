"""What a request has changed in a database: fields of documents, and events, be they in the log or on their way."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pymongo import MongoClient

Snapshot = Mapping[tuple[str, Any], Mapping[str, Any]]
# What follows a write in its own time; of it only the events are compared. And an attempt to log in, which is counted
# before its password is checked, and forgotten after a while.
_FOLLOWING = {"events", "events_fence", "outbox", "cache_generations", "webhook_attempts", "login_failures"}
_COUNTERS = {"interview_totals"}  # of which a worker may make a new one
_DELIVERY = {"history", "failing_since", "failures", "lease", "next_at", "refusals", "position"}


def snapshot(client: MongoClient[dict[str, Any]], name: str) -> Snapshot:
    """Return all documents of a database, each with its collection and id."""
    collections = [found for found in client[name].list_collection_names() if not found.startswith("system.")]
    return {(found, str(document["_id"])): document for found in collections for document in client[name][found].find()}


def footprint(before: Snapshot, after: Snapshot) -> Counter[str]:
    """Return what has changed, without ids and values, so that two requests of one kind can be compared."""
    old = _events(before)
    return Counter([*_changes(before, after), *(kind for key, kind in _events(after).items() if key not in old)])


def _changes(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for key in before.keys() | after.keys():
        collection, old, new = key[0], before.get(key), after.get(key)
        if collection in _FOLLOWING:
            continue
        if collection in _COUNTERS:
            yield from [collection] * (old != new)
        elif old is None or new is None:
            yield f"{collection} {'+' if old is None else '-'}"
        elif fields := sorted(f for f in old.keys() | new.keys() if f not in _DELIVERY and old.get(f) != new.get(f)):
            yield f"{collection}: {', '.join(fields)}"


def _events(found: Snapshot) -> dict[tuple[Any, ...], str]:
    """Return the events that are in the log, or wait for it, each by what tells it from all others."""
    entries = [document for (collection, _), document in found.items() if collection == "events"]
    entries += [entry for document in found.values() for entry in document.get("history", ())]
    return {(e["request_id"], e["type"], e["at"], e["rev"]): f"event {e['type']}" for e in entries}
