"""The collection of ratings and its indexes."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

RATINGS = "ratings"

INDEXES = [
    CollectionIndexes(
        RATINGS,
        (
            IndexModel([("interview_id", 1), ("author_id", 1)], name="one_of_each", unique=True),
            IndexModel([("interview_id", 1), ("created_at", 1), ("_id", 1)], name="oldest"),
        ),
        recorded=True,
    )
]
