"""How attendance looks to one viewer: answers and marks to all who read, others' words to those who may read them."""

from parley_auth import ScopedAccess
from parley_interviews.attendance import schemas
from parley_interviews.attendance.models import Attendance, Attended, PersonAttendance
from parley_interviews.attendance.policy import counts, is_current
from parley_interviews.policy import READ_INTERNAL


def attendance_shown_to(access: ScopedAccess, attendance: Attendance) -> schemas.Attendance:
    """Return everybody's answers and marks as the caller sees them."""
    return schemas.Attendance(
        schedule_version=attendance.schedule_version,
        items=[person_shown_to(access, person, attendance) for person in attendance.people],
    )


def person_shown_to(access: ScopedAccess, person: PersonAttendance, attendance: Attendance) -> schemas.PersonAttendance:
    """Return a participant's answer and mark as the caller sees them.

    Without the right to read what is internal they see no comment but their own, and neither who marked nor why.
    """
    participant, rsvp, sees_all = person.participant, person.rsvp, access.permits(READ_INTERNAL)
    mark = person.mark if person.mark and counts(attendance, person.mark) else None
    sees_comment = sees_all or access.principal.id == participant.user_id
    return schemas.PersonAttendance(
        user_id=participant.user_id,
        participant_role=participant.participant_role,
        answer=rsvp.answer if rsvp else None,
        comment=rsvp.comment if rsvp and sees_comment else None,
        schedule_version=rsvp.schedule_version if rsvp else None,
        answered_at=rsvp.answered_at if rsvp else None,
        is_current=rsvp is not None and is_current(attendance, rsvp),
        attended=mark.attended if mark else Attended.UNKNOWN,
        reason=mark.reason if mark and sees_all else None,
        marked_by=mark.marked_by if mark and sees_all else None,
        marked_at=mark.marked_at if mark else None,
    )
