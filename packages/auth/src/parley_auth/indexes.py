"""The indexes of `users` and of the counters of failed logins and of registrations."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

USERS = "users"
LOGIN_FAILURES = "login_failures"
REGISTRATION_COUNTS = "registration_counts"

INDEXES = [
    CollectionIndexes(
        USERS,
        (
            IndexModel("email", name="email", unique=True),
            IndexModel([("email", 1), ("_id", 1)], name="by_email"),
            IndexModel([("created_at", -1), ("_id", -1)], name="newest"),
            IndexModel([("role", 1), ("created_at", -1), ("_id", -1)], name="newest_of_role"),
        ),
        recorded=True,
    ),
    # A counter expires a day after its last failure.
    CollectionIndexes(LOGIN_FAILURES, (IndexModel("expires_at", name="forget", expireAfterSeconds=0),)),
    # A counter expires an hour after its last registration.
    CollectionIndexes(REGISTRATION_COUNTS, (IndexModel("expires_at", name="forget", expireAfterSeconds=0),)),
]
