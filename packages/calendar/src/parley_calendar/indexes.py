"""The collection of feeds: one document for each account that has any, and the index that finds one by its token."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

CALENDARS = "calendars"

# Partial, since two accounts without a feed would have the same value, which is none.
_DIGEST = IndexModel(
    [("feeds.digest", 1)], name="digest", unique=True, partialFilterExpression={"feeds.digest": {"$gt": ""}}
)

INDEXES = [CollectionIndexes(CALENDARS, (_DIGEST,), recorded=True)]
