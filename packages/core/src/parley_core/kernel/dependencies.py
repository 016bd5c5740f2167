"""The application's `Parley`, as a FastAPI dependency."""

from typing import Annotated, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection

from parley_core.kernel.application import Parley


async def _parley(request: HTTPConnection) -> Parley:
    return cast("Parley", request.app.state.parley)


ParleyDep = Annotated[Parley, Depends(_parley)]
"""The application's `Parley`, as a FastAPI dependency."""
