"""The rules of reading schedules: who overlaps with an interview, and when people are busy."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from parley_auth import Access, ScopedAccess, UserDirectory
from parley_auth.errors import UserNotFound
from parley_core import Clock, PageQuery
from parley_core.errors import FieldError, ValidationError
from parley_interviews.availability import schemas
from parley_interviews.availability.busy_times import BusyTime, merged
from parley_interviews.availability.repository import ConflictRepository
from parley_interviews.errors import InterviewNotFound
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.policy import OPEN, READ, READ_SCHEDULES
from parley_interviews.scheduling.overlaps import Busy
from parley_interviews.scheduling.repository import ScheduleRepository


class ScheduleService:
    """Reads what overlaps, and when people are busy."""

    def __init__(
        self,
        *,
        participants: ParticipantRepository,
        schedule: ScheduleRepository,
        conflicts: ConflictRepository,
        users: UserDirectory,
        clock: Clock,
    ) -> None:
        self._participants = participants
        self._schedule = schedule
        self._conflicts = conflicts
        self._users = users
        self._clock = clock

    async def conflicts(self, access: ScopedAccess, query: PageQuery) -> tuple[list[schemas.Conflict], int]:
        """Return a page of the participants' other interviews at the same time, and the number of all.

        Those that the caller may not read are times alone. Completed and cancelled interviews conflict with none.
        """
        if (own := await self._participants.of(access.resource.id)) is None:
            raise InterviewNotFound
        if own.status not in OPEN:
            return [], 0
        user_ids = [participant.user_id for participant in own.present]
        busy = await self._schedule.overlapping(user_ids, own.scheduled_at, own.ends_at, excluding=own.id)
        page = busy[query.offset : query.offset + query.limit]
        return await self._shown(page, access), len(busy)

    async def schedule(self, access: Access, query: schemas.ScheduleQuery) -> schemas.Schedule:
        """Return when users are busy.

        Raises:
            PermissionDenied: it isn't the caller's own schedule, and they may not read others'.
            UserNotFound: an id is nobody's.
            ValidationError: the span doesn't end after it begins, or is too long.
        """
        user_ids = list(dict.fromkeys(query.user_id)) or [access.principal.id]
        if user_ids != [access.principal.id]:
            access.require(READ_SCHEDULES)
            await self._check_known(query.user_id)
        begin, end = self._span(query)
        times = defaultdict[str, list[BusyTime]](list)
        for busy in await self._schedule.overlapping(user_ids, begin, end):
            times[busy.user_id].append(BusyTime(busy.scheduled_at, busy.ends_at))
        items = [
            schemas.PersonalSchedule(user_id=user_id, busy=_shown_times(merged(times[user_id], begin, end)))
            for user_id in user_ids
        ]
        return schemas.Schedule(items=items, since=begin, until=end)

    def _span(self, query: schemas.ScheduleQuery) -> tuple[datetime, datetime]:
        begin = query.since or self._clock()
        end = query.until or begin + timedelta(days=schemas.DAYS)
        if end <= begin:
            raise _outside("Must be after from")
        if end - begin > timedelta(days=schemas.MAX_DAYS):
            raise _outside(f"Must be at most {schemas.MAX_DAYS} days after from")
        return begin, end

    async def _check_known(self, user_ids: Sequence[str]) -> None:
        known = await self._users.by_ids(set(user_ids))
        unknown = [number for number, user_id in enumerate(user_ids) if user_id not in known]
        if unknown:
            errors = [FieldError(f"?user_id.{number}", UserNotFound.code, UserNotFound.title) for number in unknown]
            raise UserNotFound(errors=errors)

    async def _shown(self, page: Sequence[Busy], access: ScopedAccess) -> list[schemas.Conflict]:
        others = await self._conflicts.glimpses({busy.interview_id for busy in page}, access.principal.id)
        titles = {one.id: one.title for one in others if access.permits_as(one.relation, READ, state=one.status)}
        return [
            schemas.Conflict(
                user_id=busy.user_id,
                scheduled_at=busy.scheduled_at,
                ends_at=busy.ends_at,
                interview_id=busy.interview_id if busy.interview_id in titles else None,
                title=titles.get(busy.interview_id),
            )
            for busy in page
        ]


def _shown_times(times: Sequence[BusyTime]) -> list[schemas.BusyTime]:
    return [schemas.BusyTime(starts_at=time.starts_at, ends_at=time.ends_at) for time in times]


def _outside(message: str) -> ValidationError:
    return ValidationError(errors=[FieldError("?to", "span", message)])
