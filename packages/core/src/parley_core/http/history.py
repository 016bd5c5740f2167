"""How an entry of a history goes over the wire; a package derives its own, with an example of its events."""

from datetime import datetime
from typing import Any

from pydantic import Field

from parley_core.http.schemas import Representation


class HistoryEntry(Representation):
    """One change: who did what, when, from which value to which, and why."""

    rev: int = Field(description="The revision that the change made, 1 for the first; none is missing.")
    type: str = Field(description="The type of the event; GET /v1/events/types lists all.")
    at: datetime
    actor: str | None = Field(description="The id of the user who did it; null for the system, or where it is hidden.")
    actor_role: str = Field(description="The role that they had.")
    reason: str | None = Field(description="Their own words; null where there are none, or where they are hidden.")
    changes: dict[str, Any] = Field(
        description="Field -> `from` and `to`. A long text is shown as its length and SHA-256, a private value as `{}`."
    )
