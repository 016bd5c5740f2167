"""The indexes of `users`."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

USERS = "users"

INDEXES = [
    CollectionIndexes(
        USERS,
        (
            IndexModel("email", name="email", unique=True),
            IndexModel([("email", 1), ("_id", 1)], name="by_email"),
            IndexModel([("created_at", -1), ("_id", -1)], name="newest"),
            IndexModel([("role", 1), ("created_at", -1), ("_id", -1)], name="newest_of_role"),
        ),
    )
]
