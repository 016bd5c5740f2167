"""The collections of messaging and their indexes."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

MESSAGES = "messages"
LOGS = "message_logs"

INDEXES = [
    CollectionIndexes(
        MESSAGES,
        (
            IndexModel([("log_id", 1), ("seq", 1)], name="log_seq", unique=True),
            IndexModel([("log_id", 1), ("sender_id", 1), ("seq", 1)], name="log_sender"),
            # Not `{"$exists": True}`: the planner uses a partial index where the query implies its filter.
            IndexModel(
                [("log_id", 1), ("sender_id", 1), ("client_message_id", 1)],
                name="log_client_message_id",
                unique=True,
                partialFilterExpression={"client_message_id": {"$gt": ""}},
            ),
        ),
    ),
    CollectionIndexes(LOGS, ()),
]
