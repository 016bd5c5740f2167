"""Keyset paging: the filter for what follows a place in a sorted list, whatever others insert or delete meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from pymongo.asynchronous.collection import AsyncCollection

from parley_core.data.documents import Document
from parley_core.data.instants import in_utc

T = TypeVar("T")
Other = TypeVar("Other")
_NEVER_MISSING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Sort:
    """A total order: field and direction (1 or -1) pairs, the last one `_id`."""

    spelt: str
    keys: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Place:
    """Where a page begins.

    Args:
        sort: the order of the list.
        values: those of the sort keys of the item before the page; None where only the number of items says it.
        offset: how many items come before the page.
    """

    sort: Sort
    values: tuple[Any, ...] | None
    offset: int


@dataclass(frozen=True)
class Found(Generic[T]):
    """A page of what was found.

    Args:
        items: those of the page.
        total: how many there are on all pages; None when they were not counted.
        end: the values of the last item's sort keys; None when no others follow.
    """

    items: Sequence[T]
    total: int | None
    end: tuple[Any, ...] | None

    def showing(self, items: Sequence[Other]) -> "Found[Other]":
        """Return the page with its items as something else, in the same order."""
        return Found(items, self.total, self.end)


@dataclass(frozen=True)
class Counting:
    """What counts the items of a list, in the command that reads a page of it.

    Args:
        collection: the name of the collection in which they are counted.
        pipeline: has one result, with the number as `n`, or none for no items.
    """

    collection: str
    pipeline: Sequence[Mapping[str, Any]]


def counting(collection: AsyncCollection[Document], where: Mapping[str, Any]) -> Counting:
    """Return what counts the documents that meet a condition, along the index that MongoDB chooses."""
    return Counting(collection.name, [{"$match": where}, {"$count": "n"}])


async def documents_at(
    collection: AsyncCollection[Document],
    where: Mapping[str, Any],
    place: Place,
    *,
    limit: int,
    projection: Mapping[str, Any],
    index: str | None = None,
    missing: Mapping[str, object] = _NEVER_MISSING,
    total: Counting | None = None,
) -> Found[Document]:
    """Return the documents of a page.

    Args:
        collection: of the documents.
        where: which of them are in the list.
        place: where the page begins.
        limit: how many documents the page has at most.
        projection: the fields that are read, the sort keys among them; as both `find` and `$project` take it.
        index: the index to go along; None where the query planner chooses one.
        missing: as for `behind`.
        total: what counts the documents on all pages; None to count none.
    """
    keys, values = place.sort.keys, place.values
    narrowed = where if values is None else {"$and": [where, behind(keys, values, missing=missing)]}
    skipped = place.offset if values is None else 0
    # One more than asked for shows whether the list goes on.
    if total is None:
        found = collection.find(narrowed, projection).sort(list(keys)).skip(skipped).limit(limit + 1)
        documents, number = await (found.hint(index) if index else found).to_list(), None
    else:
        page: list[Document] = [{"$match": narrowed}, {"$sort": dict(keys)}, {"$skip": skipped}, {"$limit": limit + 1}]
        documents, number = await _with_total(collection, [*page, {"$project": projection}], total, limit, index)
    if len(documents) <= limit:
        return Found(documents, number, None)
    last = documents[limit - 1]
    return Found(documents[:limit], number, tuple(in_utc(last.get(name, missing.get(name))) for name, _ in keys))


async def _with_total(
    collection: AsyncCollection[Document],
    page: Sequence[Mapping[str, Any]],
    total: Counting,
    limit: int,
    index: str | None,
) -> tuple[list[Document], int]:
    """Return the documents of a page and the number of all, of one command: half of what two cost the client."""
    counted = {"$unionWith": {"coll": total.collection, "pipeline": list(total.pipeline)}}
    # The batch has room for the number too, so that there is but one.
    options: dict[str, Any] = {"batchSize": limit + 3, **({"hint": index} if index else {})}
    found = await (await collection.aggregate([*page, counted], **options)).to_list()
    # The number comes last, and is no document.
    number = found.pop()["n"] if found and "_id" not in found[-1] else 0
    return found, number


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
