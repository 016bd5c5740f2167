"""The routes of conflicts and schedules."""

from typing import Annotated

from fastapi import Query

from parley_auth.errors import UserNotFound
from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_interviews.availability import schemas
from parley_interviews.availability.dependencies import ConflictListing, ScheduleRead, ScheduleServiceDep

conflicts = Router(prefix="/interviews/{interview_id}/conflicts", tag="schedule")
schedule = Router(prefix="/schedule", tag="schedule", description="Who is busy when, and which interviews overlap.")


@conflicts.get("", summary="List conflicts")
async def list_conflicts(
    access: ConflictListing, query: Annotated[PageQuery, Query()], schedules: ScheduleServiceDep, pager: PagerDep
) -> Page[schemas.Conflict]:
    """List the other interviews of participants that overlap with an open interview, by time.

    Interviews that end when another one begins don't overlap. Of what the caller may not read only the time is shown.
    """
    shown, total = await schedules.conflicts(access, query)
    return pager.page(shown, total=total, query=query)


@schedule.get("", summary="Read schedules")
@raises(UserNotFound)
async def read_schedule(
    access: ScheduleRead, query: Annotated[schemas.ScheduleQuery, Query()], schedules: ScheduleServiceDep
) -> schemas.Schedule:
    """Return when users take part in scheduled or ongoing interviews, in whatever role: times and nothing else.

    Everybody may read their own schedule, administrators that of up to 50 users. Times that go beyond the span are cut
    at its ends.
    """
    return await schedules.schedule(access, query)
