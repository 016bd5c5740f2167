"""What the endpoints of attendance are given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_interviews.attendance.service import AttendanceService
from parley_interviews.policy import ANSWER, MARK, MARK_INTERVIEWERS, READ_ATTENDANCE

AttendanceServiceDep = Annotated[AttendanceService, Depends(provided(AttendanceService))]

AttendanceRead = Annotated[ScopedAccess, Depends(Guard(READ_ATTENDANCE))]
AttendanceAnswering = Annotated[ScopedAccess, Depends(Guard(ANSWER))]
AttendanceMarking = Annotated[ScopedAccess, Depends(Guard(MARK, MARK_INTERVIEWERS))]
