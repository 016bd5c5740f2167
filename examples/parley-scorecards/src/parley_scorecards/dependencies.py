"""What the endpoints of scorecards are given."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import ParleyDep
from parley_scorecards.errors import InterviewNotCompleted
from parley_scorecards.policy import READ, WRITE
from parley_scorecards.service import ScorecardService


async def _scorecard_service(parley: ParleyDep) -> ScorecardService:
    return ScorecardService(parley)


ScorecardServiceDep = Annotated[ScorecardService, Depends(_scorecard_service)]

ScorecardRead = Annotated[ScopedAccess, Depends(Guard(READ))]
ScorecardWrite = Annotated[ScopedAccess, Depends(Guard(WRITE, closed=InterviewNotCompleted))]
