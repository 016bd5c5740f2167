"""What an operator asks: is the process alive, and can it serve?"""

from pydantic import BaseModel, ConfigDict

from parley_core.errors import Unavailable, raises
from parley_core.http.routing import Router
from parley_core.kernel.application import ParleyDep

router = Router(prefix="", tag="operations")


class Health(BaseModel):
    """The answer to a probe."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str


@router.get("/healthz", summary="Is the process alive?")
async def check_health() -> Health:
    """Answers 200 as long as the process serves requests, whatever the database does."""
    return Health(status="ok")


@router.get("/readyz", summary="Can the process serve?")
@raises(Unavailable)
async def check_readiness(parley: ParleyDep) -> Health:
    """Answers 200 when the database answers, else 503."""
    await parley.client.admin.command("ping")
    return Health(status="ok")
