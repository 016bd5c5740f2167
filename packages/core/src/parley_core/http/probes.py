"""The probes of an orchestrator: is the process alive, and can it serve?"""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from parley_core.data.clocks import DatabaseClock
from parley_core.data.migrating import DataMigrations
from parley_core.errors import Unavailable, needs_nothing, raises
from parley_core.http.requests import provided
from parley_core.http.routing import PublicRoute, Router

router = Router(prefix="", tag="operations", description="Probes for an orchestrator, without a login.")
PUBLIC = (
    PublicRoute("GET", "/healthz", "an orchestrator's liveness probe carries no identity"),
    PublicRoute("GET", "/readyz", "an orchestrator's readiness probe carries no identity"),
)
"""Whoever includes the router declares them with it."""


class Health(BaseModel):
    """The answer to a probe."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str


@router.get("/healthz", summary="Check that the process is alive")
@needs_nothing
async def check_health() -> Health:
    """Answer 200 as long as the process serves requests, whatever the database does."""
    return Health(status="ok")


@router.get("/readyz", summary="Check that the process can serve")
@raises(Unavailable)
async def check_readiness(
    clocks: Annotated[DatabaseClock, Depends(provided(DatabaseClock))],
    migrations: Annotated[DataMigrations, Depends(provided(DataMigrations))],
) -> Health:
    """Answer 200 when the database answers and its data is of this release, else 503.

    A clock that differs from the database's is logged.
    """
    await clocks.check()
    await migrations.check_current()
    return Health(status="ok")
