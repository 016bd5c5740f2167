"""The services of interviews: each is made once, out of named collaborators."""

from parley_auth import UserDirectory
from parley_core import Parley
from parley_interviews.history.repository import InterviewHistory
from parley_interviews.interviews.presentation import InterviewPresenter
from parley_interviews.interviews.repository import InterviewRepository
from parley_interviews.interviews.service import InterviewService
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.listing.repository import InterviewSearch
from parley_interviews.listing.service import InterviewList
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.participants.service import ParticipantService
from parley_interviews.scope import GuardReader


def services_of(parley: Parley) -> list[object]:
    """Return the services of one running application."""
    database, clock = parley.database, parley.clock
    totals, presenter = InterviewTotals(database), InterviewPresenter()
    interviews = InterviewRepository(database, totals)
    participants = ParticipantService(
        participants=ParticipantRepository(database), users=parley.require(UserDirectory), clock=clock
    )
    service = InterviewService(interviews=interviews, participants=participants, presenter=presenter, clock=clock)
    listing = InterviewList(search=InterviewSearch(database, totals), presenter=presenter)
    return [GuardReader(database), interviews, totals, participants, service, listing, InterviewHistory(database)]
