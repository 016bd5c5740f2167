"""What the endpoints of ratings are given."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_ratings.errors import InterviewNotCompleted
from parley_ratings.policy import READ, WRITE
from parley_ratings.service import RatingService

RatingServiceDep = Annotated[RatingService, Depends(provided(RatingService))]

RatingRead = Annotated[ScopedAccess, Depends(Guard(READ))]
RatingWrite = Annotated[ScopedAccess, Depends(Guard(WRITE, closed=InterviewNotCompleted))]
