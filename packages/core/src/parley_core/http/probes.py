"""The probes of an orchestrator: is the process alive, and can it serve?"""

from typing import Protocol, runtime_checkable

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from parley_core.errors import Unavailable, needs_nothing, raises
from parley_core.http.requests import composition_of
from parley_core.http.routing import PublicRoute, Router

router = Router(prefix="", tag="operations", description="Probes for an orchestrator, without a login.")
PUBLIC = (
    PublicRoute("GET", "/healthz", "an orchestrator's liveness probe carries no identity"),
    PublicRoute("GET", "/readyz", "an orchestrator's readiness probe carries no identity"),
)
"""Whoever includes the router declares them with it."""


@runtime_checkable
class ReadinessPart(Protocol):
    """A service that decides whether this process can serve: a plugin provides one as any other service.

    It is no place for what requests don't wait for, such as a backlog: taking servers away would make that longer.
    """

    async def check_readiness(self) -> None:
        """Return when requests can be answered, as far as this part is concerned.

        Raises:
            Unavailable: they can't; the detail, which anyone may read, says why.
            PyMongoError: the database doesn't answer.
        """


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
async def check_readiness(request: Request) -> Health:
    """Answer 200 when the database answers, its data is of this release, and the server isn't about to stop; else 503.

    A clock that differs from the database's is logged.
    """
    # mypy takes the protocol for a class that is about to be instantiated.
    for part in composition_of(request.scope).services(ReadinessPart):  # type: ignore[type-abstract]
        await part.check_readiness()
    return Health(status="ok")
