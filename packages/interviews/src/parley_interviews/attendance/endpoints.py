"""The routes of an interview's attendance."""

from parley_core import Router, raises
from parley_interviews.attendance import schemas
from parley_interviews.attendance.dependencies import (
    AttendanceAnswering,
    AttendanceMarking,
    AttendanceRead,
    AttendanceServiceDep,
)
from parley_interviews.errors import ParticipantNotFound, ScheduleChanged, TooEarly

router = Router(
    prefix="/interviews/{interview_id}", tag="attendance", description="Who is coming to an interview, and who came."
)


@router.put("/rsvp", summary="Say whether you are coming")
@raises(ScheduleChanged)
async def answer_invitation(
    access: AttendanceAnswering, body: schemas.Rsvp, attendance: AttendanceServiceDep
) -> schemas.PersonAttendance:
    """Accept or decline the present time of an interview in which you take part, or accept it tentatively.

    The answer counts as long as the interview's `schedule_version` stays: another time asks again, a new title doesn't.
    """
    return await attendance.answer(access, body)


@router.get("/attendance", summary="Read who is coming, and who came")
async def read_attendance(access: AttendanceRead, attendance: AttendanceServiceDep) -> schemas.Attendance:
    """Return everybody who takes part, with their answers and whether they came.

    Candidates see no comment but their own, and neither reasons nor who marked.
    """
    return await attendance.read(access)


@router.put("/attendance/{user_id}", summary="Mark whether somebody came")
@raises(ParticipantNotFound, TooEarly)
async def mark_attendance(
    access: AttendanceMarking, user_id: str, body: schemas.AttendanceMark, attendance: AttendanceServiceDep
) -> schemas.PersonAttendance:
    """Mark a participant as present or as no-show, once the interview's time has come or it was started.

    Its interviewers mark candidates, administrators everybody. A mark stays when the interview is cancelled afterwards,
    and ends with another time.
    """
    return await attendance.mark(access, user_id, body)
