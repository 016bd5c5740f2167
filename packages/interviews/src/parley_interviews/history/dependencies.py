"""What the endpoint of the history is given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_interviews.history.repository import InterviewHistory

HistoryRead = Annotated[ScopedAccess, Depends(Guard("interviews:read"))]
InterviewHistoryDep = Annotated[InterviewHistory, Depends(provided(InterviewHistory))]
