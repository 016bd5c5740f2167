"""The collection of widgets and its indexes."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

WIDGETS = "widgets"

INDEXES = [
    CollectionIndexes(
        WIDGETS,
        (
            IndexModel([("title", 1)], name="title", unique=True),
            IndexModel([("created_at", 1), ("_id", 1)], name="oldest"),
        ),
        recorded=True,
    )
]
