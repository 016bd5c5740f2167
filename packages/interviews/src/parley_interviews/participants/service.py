"""The rules of taking part: adding people to interviews, removing them and listing them."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from parley_auth import ScopedAccess, User, UserDirectory
from parley_core import Clock, Event, Session
from parley_core.http.pagination import Listing
from parley_core.http.walks import Walks
from parley_interviews.errors import (
    DuplicateParticipant,
    InterviewClosed,
    InterviewNotFound,
    ParticipantNotFound,
    TooManyParticipants,
)
from parley_interviews.events import (
    PARTICIPANT_ADDED,
    PARTICIPANT_REMOVED,
    PARTICIPANTS,
    audience_with,
    participant_entry,
)
from parley_interviews.history.repository import InterviewHistory
from parley_interviews.models import FormerParticipant, Participant, Participants
from parley_interviews.participants import schemas
from parley_interviews.participants.assignments import Assignments
from parley_interviews.participants.former import TYPES, former_participants
from parley_interviews.participants.presentation import shown_to
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.policy import ADD, MAX_PARTICIPANTS, OPEN, REMOVE
from parley_interviews.scheduling.bookings import Bookings
from parley_interviews.scheduling.overlaps import Busy, as_change

_Added = tuple[Participant, User | None, Sequence[Busy]]


class _ChangedMeanwhile(Exception):
    """The interview or the caller's relation to it is no longer as it was read; no transaction is committed."""


class ParticipantService:
    """Adds people to interviews, removes them and lists them."""

    def __init__(
        self,
        *,
        participants: ParticipantRepository,
        assignments: Assignments,
        bookings: Bookings,
        history: InterviewHistory,
        users: UserDirectory,
        walks: Walks,
        clock: Clock,
    ) -> None:
        self._participants = participants
        self._assignments = assignments
        self._bookings = bookings
        self._history = history
        self._users = users
        self._walks = walks
        self._clock = clock

    async def add(self, access: ScopedAccess, wanted: schemas.NewParticipant) -> tuple[schemas.Participant, int]:
        """Add a participant, together with an invited account where one is missing: both or neither.

        Returns: the participant, and with how many other interviews of theirs this one overlaps.

        Raises:
            InterviewClosed: the interview is completed or cancelled, whoever is named.
            UserNotFound, InactiveUser, UnverifiedEmail, InvalidParticipantRole: the account can't take part like this.
            LastAdmin: an administrator would be a candidate, and no other one is active.
            DuplicateParticipant, TooManyParticipants: the interview can't take another participant.
            ScheduleConflict: they are busy at that time, and overlaps are refused.
        """
        if access.resource.state not in OPEN:
            raise InterviewClosed
        while True:
            try:
                participant, user, conflicts = await self._added(access, wanted)
            except _ChangedMeanwhile:
                access = replace(access, resource=await access.recheck(ADD))
            else:
                user = user or await self._users.by_id(participant.user_id)
                return shown_to(access, participant, user), len(conflicts)

    async def remove(self, access: ScopedAccess, user_id: str) -> None:
        """Remove a participant, who is locked out from their next request on.

        Raises:
            InterviewClosed, ParticipantNotFound: the interview can't lose this participant.
        """
        while True:
            try:
                await self._remove(access, user_id)
            except _ChangedMeanwhile:
                access = replace(access, resource=await access.recheck(REMOVE))
            else:
                return

    async def page(self, access: ScopedAccess, query: schemas.ParticipantQuery) -> Listing[schemas.Participant]:
        """Return a page of the participants, in the order in which they were added.

        Those who have left follow in the order of leaving, where the query asks for them.

        Raises:
            InvalidCursor: the query's cursor is none of this list's.
        """
        found = await self._participants.of(access.resource.id)
        everybody: list[Participant] = list(found.present) if found else []
        if found and query.former:
            everybody += await self._former(access.resource.id, found)
        page = self._walks.page(everybody, query, of="participants", order=_place_of, name=attrgetter("user_id"))
        return page.showing(await self._shown(page.items, access))

    async def _former(self, interview_id: str, found: Participants) -> Sequence[Participant]:
        # Not beyond the revision that was read: whoever came or went since would be missing or be there twice.
        entries = await self._history.of_types(interview_id, TYPES, until=found.rev)
        return former_participants(entries, found.present)

    async def _added(self, access: ScopedAccess, wanted: schemas.NewParticipant) -> _Added:
        now, refuse = self._clock(), self._bookings.refuse(wanted.on_conflict)
        existing = await self._assignments.existing(wanted, access, now)

        async def work(session: Session) -> _Added:
            if existing:
                participant, user = existing
            else:
                [participant] = await self._assignments.resolve([wanted], access, now, session, pointers=["#"])
                user = None
            participant, conflicts = await self._write(access, participant, refuse=refuse, session=session)
            return participant, user, conflicts

        if existing and not refuse:
            added, conflicts = await self._write(access, existing[0], refuse=False)
            return added, existing[1], conflicts
        return await self._bookings.written(work, in_turn=refuse)

    async def _write(
        self, access: ScopedAccess, participant: Participant, *, refuse: bool, session: Session | None = None
    ) -> tuple[Participant, Sequence[Busy]]:
        interview = await self._open(access, session)
        _check_room(interview, participant.user_id)
        conflicts = await self._bookings.conflicts(
            interview, {participant.user_id: "#"}, refuse=refuse, session=session
        )
        event = Event(
            type=PARTICIPANT_ADDED,
            at=participant.added_at,
            actor=access.actor,
            changes={"participant": (None, participant_entry(participant)), **as_change(conflicts)},
            audience=audience_with(participant.user_id),
        )
        added = await self._participants.add(interview, participant, event, by=access, session=session)
        if added is None:
            raise _ChangedMeanwhile
        return added, conflicts

    async def _remove(self, access: ScopedAccess, user_id: str) -> None:
        present = {p.user_id: p for p in (await self._open(access)).present}
        if (participant := present.get(user_id)) is None:
            raise ParticipantNotFound
        event = Event(
            type=PARTICIPANT_REMOVED,
            at=self._clock(),
            actor=access.actor,
            changes={"participant": (participant_entry(participant), None)},
            audience=PARTICIPANTS,
        )
        if not await self._participants.remove(access.resource.id, participant, event, by=access):
            raise _ChangedMeanwhile

    async def _shown(self, participants: Sequence[Participant], viewer: ScopedAccess) -> list[schemas.Participant]:
        users = await self._users.by_ids(p.user_id for p in participants)
        return [shown_to(viewer, participant, users.get(participant.user_id)) for participant in participants]

    async def _open(self, access: ScopedAccess, session: Session | None = None) -> Participants:
        if (found := await self._participants.of(access.resource.id, session)) is None:
            raise InterviewNotFound
        # Whatever is said of this revision, the caller must have been allowed to change it.
        if found.relation_of(access.principal.id) != access.resource.relation:
            raise _ChangedMeanwhile
        if found.status not in OPEN:
            raise InterviewClosed
        return found


def _check_room(interview: Participants, user_id: str) -> None:
    if any(participant.user_id == user_id for participant in interview.present):
        raise DuplicateParticipant
    if len(interview.present) >= MAX_PARTICIPANTS:
        raise TooManyParticipants


def _place_of(participant: Participant) -> tuple[float, float]:
    """Return where a participant is listed: those who have left behind all others."""
    if isinstance(participant, FormerParticipant):
        return 1, participant.removed_at.timestamp()
    return 0, participant.added_at.timestamp()
