"""The rules of new interviews: who takes part, what overlaps, and whether it can be stored together with others."""

from collections.abc import Sequence
from dataclasses import replace

from parley_auth import OUTSIDER, Access
from parley_core import Clock, Event, Session, new_id
from parley_interviews.claims.models import Claim
from parley_interviews.claims.repository import ClaimRepository
from parley_interviews.events import INTERVIEW_CREATED, participant_entry
from parley_interviews.interviews import schemas
from parley_interviews.interviews.additions import InterviewAdditions
from parley_interviews.interviews.presentation import InterviewPresenter, Shown
from parley_interviews.interviews.repository import InterviewRepository, NewInterview
from parley_interviews.models import Interview, Participant, Status
from parley_interviews.participants.assignments import Assignments
from parley_interviews.policy import as_recorded, details_of, end_of
from parley_interviews.scheduling.bookings import Bookings
from parley_interviews.scheduling.overlaps import Busy, as_change

_Prepared = tuple[NewInterview, Sequence[Busy]]


class NewInterviews:
    """Creates interviews with their participants, and the accounts that are invited: all of it or nothing."""

    def __init__(
        self,
        *,
        interviews: InterviewRepository,
        additions: InterviewAdditions,
        claims: ClaimRepository,
        assignments: Assignments,
        bookings: Bookings,
        presenter: InterviewPresenter,
        clock: Clock,
    ) -> None:
        self._interviews = interviews
        self._additions = additions
        self._claims = claims
        self._assignments = assignments
        self._bookings = bookings
        self._presenter = presenter
        self._clock = clock

    async def create(self, wanted: schemas.InterviewCreate, access: Access, *, claims: Sequence[Claim] = ()) -> Shown:
        """Create an interview, in a transaction with others unless something has to be decided in its own.

        Args:
            wanted: the interview.
            access: the caller.
            claims: the names that it gets.

        Raises:
            AlreadyClaimed: one of the names belongs to another interview.
            UserNotFound, InactiveUser, UnverifiedEmail, InvalidParticipantRole: an account can't take part like this.
            LastAdmin: an administrator would be a candidate, and no other one is active.
            DuplicateParticipant: somebody is named twice.
            ScheduleConflict: somebody is busy then, and overlaps are refused.
        """
        interview = self._new(wanted, access)
        refuse = bool(wanted.participants) and self._bookings.refuse(wanted.on_conflict)
        together = None if claims or refuse else await self._prepared(interview, wanted, access)
        if together:
            await self._additions.add(together[0])
        new, conflicts = together or await self._alone(interview, wanted, access, claims, refuse=refuse)
        own = [p.participant_role for p in new.participants if p.user_id == access.principal.id]
        shown = self._presenter.present(interview, access, own[0] if own else OUTSIDER)
        return replace(shown, conflicts=len(conflicts)) if conflicts else shown

    async def _prepared(
        self, interview: Interview, wanted: schemas.InterviewCreate, access: Access
    ) -> _Prepared | None:
        """Return what can be stored with others; None where something has to be decided in a transaction."""
        people = await self._assignments.all_existing(wanted.participants, access, interview.created_at)
        return None if people is None else await self._with(people, interview, access, refuse=False)

    async def _alone(
        self,
        interview: Interview,
        wanted: schemas.InterviewCreate,
        access: Access,
        claims: Sequence[Claim],
        *,
        refuse: bool,
    ) -> _Prepared:
        at, pointers = interview.created_at, _pointers(len(wanted.participants))

        async def work(session: Session) -> _Prepared:
            await self._claims.add(claims, interview.id, at=at, session=session)
            people = await self._assignments.resolve(wanted.participants, access, at, session, pointers=pointers)
            prepared = await self._with(people, interview, access, refuse=refuse, session=session)
            await self._interviews.add([prepared[0]], session)
            return prepared

        return await self._bookings.written(work, in_turn=refuse)

    async def _with(
        self,
        people: Sequence[Participant],
        interview: Interview,
        access: Access,
        *,
        refuse: bool,
        session: Session | None = None,
    ) -> _Prepared:
        """Return the interview with these people, and the overlaps that it makes for them."""
        places = {person.user_id: pointer for person, pointer in zip(people, _pointers(len(people)), strict=True)}
        conflicts = await self._bookings.conflicts(interview, places, refuse=refuse, session=session)
        event = Event(
            type=INTERVIEW_CREATED,
            at=interview.created_at,
            actor=access.actor,
            changes=_as_created(interview, people) | as_change(conflicts),
            audience=tuple(places),
        )
        return NewInterview(interview, people, event), conflicts

    def _new(self, wanted: schemas.InterviewCreate, access: Access) -> Interview:
        now = self._clock()
        return Interview(
            **details_of(wanted),
            id=new_id(),
            status=Status.SCHEDULED,
            ends_at=end_of(wanted.scheduled_at, wanted.duration_minutes),
            rev=1,
            schedule_version=0,
            created_by=access.principal.id,
            created_at=now,
            updated_at=now,
        )


def _pointers(number: int) -> list[str]:
    """Return where the body names so many participants."""
    return [f"#/participants/{place}" for place in range(number)]


def _as_created(interview: Interview, participants: Sequence[Participant]) -> dict[str, tuple[None, object]]:
    people = [participant_entry(p) for p in participants]
    values = {**details_of(interview), "ends_at": interview.ends_at, "participants": people}
    return {name: (None, as_recorded(name, value)) for name, value in values.items() if value not in (None, [])}
