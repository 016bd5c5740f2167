"""Keyset paging: the filter for what follows a place in a sorted list, whatever others insert or delete meanwhile."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from parley_core.data.documents import Document

_NEVER_MISSING: Mapping[str, object] = MappingProxyType({})


def behind(
    keys: Sequence[tuple[str, int]], values: Sequence[object], *, missing: Mapping[str, object] = _NEVER_MISSING
) -> Document:
    """Return the filter for all documents behind a place, those that lack a sort key included.

    Args:
        keys: the order: field and direction (1 or -1) pairs, the last one `_id`.
        values: the values of these fields at the place.
        missing: for each field that documents may lack, the value that stands for its absence in `values`. No
            document has this value. MongoDB sorts a missing field before every value.
    """
    alternatives: list[Document] = []
    equal: Document = {}
    for (name, direction), value in zip(keys, values, strict=True):
        alternatives.append({**equal, name: _beyond(name, direction, value, missing)})
        equal[name] = {"$eq": None if _is_missing(name, value, missing) else value}
    # The bound on the first key lets the query start inside the index instead of at its end.
    return {**_bound(*keys[0], values[0], missing), "$or": alternatives}


def _beyond(name: str, direction: int, value: object, missing: Mapping[str, object]) -> Document:
    if _is_missing(name, value, missing):
        return {"$ne": None} if direction > 0 else {"$in": []}
    if direction > 0:
        return {"$gt": value}
    return {"$not": {"$gte": value}} if name in missing else {"$lt": value}


def _bound(name: str, direction: int, value: object, missing: Mapping[str, object]) -> Document:
    if _is_missing(name, value, missing):
        return {} if direction > 0 else {name: {"$eq": None}}
    if direction > 0:
        return {name: {"$gte": value}}
    return {name: {"$not": {"$gt": value}} if name in missing else {"$lte": value}}


def _is_missing(name: str, value: object, missing: Mapping[str, object]) -> bool:
    return name in missing and missing[name] == value
