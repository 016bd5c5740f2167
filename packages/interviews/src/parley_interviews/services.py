"""The services of interviews: each is made once, out of named collaborators."""

from parley_auth import Invitations, UserDirectory
from parley_auth.settings import AuthSettings
from parley_core import Parley
from parley_core.caching.totals import CountedTotals
from parley_core.http.cursors import Cursors
from parley_core.http.walks import Walks
from parley_interviews.appointments.repository import AppointmentReader
from parley_interviews.attendance.repository import AttendanceRepository
from parley_interviews.attendance.service import AttendanceService
from parley_interviews.availability.repository import ConflictRepository
from parley_interviews.availability.service import ScheduleService
from parley_interviews.claims.repository import ClaimRepository
from parley_interviews.history.repository import InterviewHistory
from parley_interviews.interviews.additions import InterviewAdditions
from parley_interviews.interviews.creation import InterviewCreations
from parley_interviews.interviews.new_interviews import NewInterviews
from parley_interviews.interviews.presentation import InterviewPresenter
from parley_interviews.interviews.repository import InterviewRepository
from parley_interviews.interviews.service import InterviewService
from parley_interviews.interviews.title_words import TitleWords
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.listing.repository import InterviewSearch
from parley_interviews.listing.service import InterviewList
from parley_interviews.participants.assignments import Assignments
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.participants.service import ParticipantService
from parley_interviews.scheduling.bookings import MOST_READ, Bookings
from parley_interviews.scheduling.overlap_reads import OverlapReads
from parley_interviews.scheduling.repository import ScheduleRepository
from parley_interviews.scope import GuardReader
from parley_interviews.settings import InterviewSettings


def services_of(parley: Parley) -> list[object]:
    """Return the services of one running application."""
    database, clock, users = parley.database, parley.clock, parley.require(UserDirectory)
    words = TitleWords(database)
    totals, presenter, history = InterviewTotals(database), InterviewPresenter(), InterviewHistory(database)
    interviews, claims = InterviewRepository(database, totals), ClaimRepository(database)
    schedule = ScheduleRepository(database)
    reads = OverlapReads(schedule, most=MOST_READ, timeout_seconds=parley.request_timeout_seconds)
    bookings = Bookings(database, schedule, reads, on_conflict=parley.settings(InterviewSettings).on_conflict)
    assignments = _assignments(parley, users)
    people = ParticipantRepository(database)
    participants = ParticipantService(
        participants=people,
        assignments=assignments,
        bookings=bookings,
        history=history,
        users=users,
        walks=parley.require(Walks),
        clock=clock,
    )
    service = InterviewService(
        interviews=interviews, claims=claims, bookings=bookings, presenter=presenter, clock=clock
    )
    additions = InterviewAdditions(
        interviews=interviews, database=database, timeout_seconds=parley.request_timeout_seconds
    )
    new = NewInterviews(
        interviews=interviews,
        additions=additions,
        claims=claims,
        assignments=assignments,
        bookings=bookings,
        presenter=presenter,
        clock=clock,
    )
    creations = InterviewCreations(new=new, interviews=interviews, claims=claims, presenter=presenter, clock=clock)
    return [
        interviews,
        schedule,
        reads,
        totals,
        words,
        participants,
        service,
        additions,
        creations,
        history,
        _listing(parley, words, presenter),
        *_beside(parley, people, schedule),
    ]


def _assignments(parley: Parley, users: UserDirectory) -> Assignments:
    return Assignments(
        users=users,
        invitations=parley.require(Invitations),
        assigns_unverified=parley.settings(AuthSettings).assign_unverified,
    )


def _listing(parley: Parley, words: TitleWords, presenter: InterviewPresenter) -> InterviewList:
    return InterviewList(
        search=InterviewSearch(parley.database),
        totals=parley.require(CountedTotals),
        presenter=presenter,
        cursors=parley.require(Cursors),
        words=words,
    )


def _beside(parley: Parley, people: ParticipantRepository, schedule: ScheduleRepository) -> list[object]:
    """Return the services that create and change no interview."""
    database, clock, users = parley.database, parley.clock, parley.require(UserDirectory)
    return [
        GuardReader(database),
        ScheduleService(
            participants=people, schedule=schedule, conflicts=ConflictRepository(database), users=users, clock=clock
        ),
        AppointmentReader(database),
        AttendanceService(database=database, attendances=AttendanceRepository(database), clock=clock),
    ]
