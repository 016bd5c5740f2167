"""What the endpoints of conflicts and schedules are given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard, ScopedAccess
from parley_core import provided
from parley_interviews.availability.service import ScheduleService
from parley_interviews.policy import READ_CONFLICTS, READ_OWN_SCHEDULE, READ_SCHEDULES

ScheduleServiceDep = Annotated[ScheduleService, Depends(provided(ScheduleService))]

ConflictListing = Annotated[ScopedAccess, Depends(Guard(READ_CONFLICTS))]
ScheduleRead = Annotated[Access, Depends(Guard(READ_OWN_SCHEDULE, READ_SCHEDULES))]
