"""What the endpoints of single interviews are given."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard, ScopedAccess
from parley_core import provided
from parley_interviews.errors import InvalidTransition
from parley_interviews.interviews.creation import InterviewCreations
from parley_interviews.interviews.service import InterviewService
from parley_interviews.policy import UPDATE

InterviewCreationsDep = Annotated[InterviewCreations, Depends(provided(InterviewCreations))]
InterviewServiceDep = Annotated[InterviewService, Depends(provided(InterviewService))]

InterviewCreation = Annotated[Access, Depends(Guard("interviews:create"))]
InterviewRead = Annotated[ScopedAccess, Depends(Guard("interviews:read"))]
InterviewUpdating = Annotated[ScopedAccess, Depends(Guard(UPDATE))]
InterviewTransition = Annotated[
    ScopedAccess,
    Depends(Guard("interviews:start", "interviews:complete", "interviews:cancel", closed=InvalidTransition)),
]
