"""The collections of messaging and their indexes."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

MESSAGES = "messages"
LOGS = "message_logs"

INDEXES = [
    CollectionIndexes(
        MESSAGES,
        (
            IndexModel([("interview_id", 1), ("seq", 1)], name="seq", unique=True),
            IndexModel([("interview_id", 1), ("sender_id", 1), ("seq", 1)], name="sender"),
            # Not `{"$exists": True}`: the planner uses a partial index where the query implies its filter.
            IndexModel(
                [("interview_id", 1), ("sender_id", 1), ("client_message_id", 1)],
                name="client_message_id",
                unique=True,
                partialFilterExpression={"client_message_id": {"$gt": ""}},
            ),
        ),
    ),
    CollectionIndexes(LOGS, ()),
]
