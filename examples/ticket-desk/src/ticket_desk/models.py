"""Tickets, and who has to do with them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from parley_auth import OUTSIDER


class State(StrEnum):
    """Whether anything can still happen to a ticket."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Ticket:
    """A customer's question, and the agent who answers it, if there is one yet."""

    id: str
    title: str
    state: State
    customer_id: str
    agent_id: str | None
    rev: int
    created_at: datetime

    def relation_of(self, user_id: str) -> str:
        """Return as what a user takes part."""
        relations = {self.agent_id: "agent", self.customer_id: "customer"}
        return relations.get(user_id, OUTSIDER)

    @property
    def participants(self) -> tuple[str, ...]:
        """The ids of those who take part."""
        return tuple(user_id for user_id in (self.customer_id, self.agent_id) if user_id)
