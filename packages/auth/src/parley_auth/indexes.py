"""The indexes of `users`."""

from parley_core import CollectionIndexes
from pymongo import IndexModel

USERS = "users"

INDEXES = [
    CollectionIndexes(
        USERS,
        (
            IndexModel("email", name="email", unique=True),
            IndexModel([("created_at", -1), ("_id", -1)], name="newest"),
            IndexModel([("role", 1), ("active", 1), ("created_at", -1), ("_id", -1)], name="role"),
        ),
    )
]
