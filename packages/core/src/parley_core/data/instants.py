"""Instants of many documents: read without a time zone, which takes a third of the time, and put into UTC once."""

from collections.abc import Iterable
from datetime import UTC, datetime

from bson.codec_options import CodecOptions
from pymongo.asynchronous.collection import AsyncCollection

from parley_core.data.documents import Document

_WITHOUT_ZONES = CodecOptions[Document](tz_aware=False)


def without_zones(collection: AsyncCollection[Document]) -> AsyncCollection[Document]:
    """Return a collection for reading lists, whose instants have no time zone; nothing is recorded through it."""
    return collection.with_options(codec_options=_WITHOUT_ZONES)


def put_into_utc(documents: Iterable[Document], names: Iterable[str]) -> None:
    """Give the instants in these fields of documents their time zone, where a document has them."""
    for document in documents:
        for name in names:
            if (instant := document.get(name)) is not None:
                document[name] = instant.replace(tzinfo=UTC)


def in_utc(value: object) -> object:
    """Return a value; an instant without a time zone in UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
