"""What the endpoints of interviews are given."""

from typing import Annotated

from fastapi import Depends, Path

from parley_auth import Access, Guard, ScopedAccess
from parley_core import ParleyDep
from parley_interviews.assignment import Assignments
from parley_interviews.errors import InvalidTransition
from parley_interviews.listing import InterviewList
from parley_interviews.service import InterviewService


async def _interview_service(parley: ParleyDep) -> InterviewService:
    return InterviewService(parley)


async def _interview_list(parley: ParleyDep) -> InterviewList:
    return InterviewList(parley)


async def _assignments(parley: ParleyDep) -> Assignments:
    return Assignments(parley)


InterviewId = Annotated[str, Path(alias="interview_id")]
"""Documents the id in the path. The guard has read it; what was guarded is `access.resource`."""

InterviewServiceDep = Annotated[InterviewService, Depends(_interview_service)]
InterviewListDep = Annotated[InterviewList, Depends(_interview_list)]
AssignmentsDep = Annotated[Assignments, Depends(_assignments)]

InterviewCreation = Annotated[Access, Depends(Guard("interviews:create"))]
InterviewListing = Annotated[Access, Depends(Guard("interviews:list"))]
InterviewRead = Annotated[ScopedAccess, Depends(Guard("interviews:read"))]
InterviewUpdating = Annotated[ScopedAccess, Depends(Guard("interviews:update"))]
InterviewTransition = Annotated[
    ScopedAccess,
    Depends(Guard("interviews:start", "interviews:complete", "interviews:cancel", closed=InvalidTransition)),
]
ParticipantAdding = Annotated[ScopedAccess, Depends(Guard("participants:add"))]
ParticipantRemoval = Annotated[ScopedAccess, Depends(Guard("participants:remove"))]
