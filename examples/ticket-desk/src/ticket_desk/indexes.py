"""The collection of tickets and its indexes."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

TICKETS = "tickets"

INDEXES = [
    CollectionIndexes(
        TICKETS,
        (
            IndexModel([("created_at", 1), ("_id", 1)], name="oldest"),
            IndexModel([("customer_id", 1), ("created_at", 1), ("_id", 1)], name="of_customer"),
            IndexModel([("agent_id", 1), ("created_at", 1), ("_id", 1)], name="of_agent"),
        ),
        recorded=True,
    )
]
