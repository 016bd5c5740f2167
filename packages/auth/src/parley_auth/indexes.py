"""The indexes of `users` and of the counters of failed logins and of registrations."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

USERS = "users"
LOGIN_FAILURES = "login_failures"
REGISTRATION_COUNTS = "registration_counts"

SEARCH_WORDS = "search_words"
"""The field and its index: what the filter `q` of the list finds an account by."""

_NEWEST = [("created_at", -1), ("_id", -1)]

INDEXES = [
    CollectionIndexes(
        USERS,
        (
            IndexModel("email", name="email", unique=True),
            IndexModel([("email", 1), ("_id", 1)], name="by_email"),
            IndexModel(_NEWEST, name="newest"),
            IndexModel([("role", 1), *_NEWEST], name="newest_of_role"),
            IndexModel([("active", 1), ("state", 1), *_NEWEST], name="newest_of_state"),
            IndexModel(SEARCH_WORDS, name=SEARCH_WORDS),
            # Contains the administrators with API keys.
            IndexModel("keys.id", name="keys", partialFilterExpression={"keys.id": {"$gt": ""}}),
        ),
        recorded=True,
    ),
    # A counter expires a day after its last failure.
    CollectionIndexes(LOGIN_FAILURES, (IndexModel("expires_at", name="forget", expireAfterSeconds=0),)),
    # A counter expires an hour after its last registration.
    CollectionIndexes(REGISTRATION_COUNTS, (IndexModel("expires_at", name="forget", expireAfterSeconds=0),)),
]

INDEX_OF_SORT = {"created_at": "newest", "email": "by_email"}
"""The index for an unfiltered list that is sorted by several keys; the query planner would use none by itself."""
