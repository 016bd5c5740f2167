"""The rules of taking part: who may be added, and adding and removing them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from parley_auth import ScopedAccess, User, UserDirectory
from parley_auth.errors import InactiveUser, UserNotFound
from parley_core import Clock, Event
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
from parley_interviews.models import Participant
from parley_interviews.participants import schemas
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.policy import ADD, MAX_PARTICIPANTS, OPEN, READ_INTERNAL, REMOVE, role_in_interview


class ParticipantService:
    """Adds people to interviews, removes them and lists them."""

    def __init__(self, *, participants: ParticipantRepository, users: UserDirectory, clock: Clock) -> None:
        self._participants = participants
        self._users = users
        self._clock = clock

    async def resolve(
        self, wanted: Sequence[schemas.Assignment], added_by: str, added_at: datetime
    ) -> list[Participant]:
        """Return the participants that a request names.

        Raises:
            UserNotFound, InactiveUser, InvalidParticipantRole: an account is unknown, inactive or of another role.
            DuplicateParticipant: somebody is named twice.
        """
        by_id = await self._users.by_ids(w.user_id for w in wanted if w.user_id)
        by_email = await self._users.by_emails(w.user_email for w in wanted if w.user_email)
        participants = [
            _participant(by_id.get(w.user_id or "") or by_email.get(w.user_email or ""), w, added_by, added_at)
            for w in wanted
        ]
        if len({p.user_id for p in participants}) < len(participants):
            raise DuplicateParticipant
        return participants

    async def add(self, access: ScopedAccess, wanted: schemas.Assignment) -> schemas.Participant:
        """Add a participant.

        Raises:
            InterviewClosed: the interview is completed or cancelled, whoever is named.
            UserNotFound, InactiveUser, InvalidParticipantRole: the account is unknown, inactive or of another role.
            DuplicateParticipant, TooManyParticipants: the interview can't take another participant.
        """
        if access.resource.state not in OPEN:
            raise InterviewClosed
        now = self._clock()
        [participant] = await self.resolve([wanted], access.principal.id, now)
        event = Event(
            type=PARTICIPANT_ADDED,
            at=now,
            actor=access.actor,
            changes={"participant": (None, participant_entry(participant))},
            audience=audience_with(participant.user_id),
        )
        # What prevented the write may be gone when it is looked for; then the write is tried again.
        while not await self._participants.add(access.resource.id, participant, event, by=access):
            await self._refuse(access.resource.id, participant.user_id)
            access = replace(access, resource=await access.recheck(ADD))
        [shown] = await self._shown([participant], access)
        return shown

    async def remove(self, access: ScopedAccess, user_id: str) -> None:
        """Remove a participant, who is locked out from their next request on.

        Raises:
            InterviewClosed, ParticipantNotFound: the interview can't lose this participant.
        """
        removed = False
        while not removed:
            present = {p.user_id: p for p in await self._in_open(access.resource.id)}
            if (participant := present.get(user_id)) is None:
                raise ParticipantNotFound
            event = Event(
                type=PARTICIPANT_REMOVED,
                at=self._clock(),
                actor=access.actor,
                changes={"participant": (participant_entry(participant), None)},
                audience=PARTICIPANTS,
            )
            removed = await self._participants.remove(access.resource.id, participant, event, by=access)
            if not removed:
                access = replace(access, resource=await access.recheck(REMOVE))

    async def page(self, access: ScopedAccess, *, limit: int, offset: int) -> tuple[list[schemas.Participant], int]:
        """Return a page of the participants, in the order in which they were added, and how many they are."""
        _, everybody = await self._participants.of(access.resource.id) or (None, [])
        return await self._shown(everybody[offset : offset + limit], access), len(everybody)

    async def _shown(self, participants: Sequence[Participant], viewer: ScopedAccess) -> list[schemas.Participant]:
        users = await self._users.by_ids(p.user_id for p in participants)
        return [_shown(p, users.get(p.user_id), viewer) for p in participants]

    async def _refuse(self, interview_id: str, user_id: str) -> None:
        user_ids = [p.user_id for p in await self._in_open(interview_id)]
        if user_id in user_ids:
            raise DuplicateParticipant
        if len(user_ids) >= MAX_PARTICIPANTS:
            raise TooManyParticipants

    async def _in_open(self, interview_id: str) -> list[Participant]:
        if (found := await self._participants.of(interview_id)) is None:
            raise InterviewNotFound
        status, participants = found
        if status not in OPEN:
            raise InterviewClosed
        return participants


def _participant(user: User | None, wanted: schemas.Assignment, added_by: str, added_at: datetime) -> Participant:
    if user is None:
        raise UserNotFound
    if not user.active:
        raise InactiveUser
    return Participant(user.id, role_in_interview(user.role, wanted.participant_role), added_by, added_at)


def _shown(participant: Participant, user: User | None, viewer: ScopedAccess) -> schemas.Participant:
    sees_email = viewer.permits(READ_INTERNAL) or viewer.principal.id == participant.user_id
    return schemas.Participant(
        user_id=participant.user_id,
        participant_role=participant.participant_role,
        name=user.name if user else None,
        email=user.email if user and sees_email else None,
        added_by=participant.added_by,
        added_at=participant.added_at,
    )
