"""Who takes part: finding the accounts, checking that they may, adding and removing them."""

from collections.abc import Sequence
from datetime import datetime

from parley_auth import Access, ScopedAccess, User, UserDirectory
from parley_auth.errors import UserNotFound
from parley_core import Clock, Event, Parley

from parley_interviews import schemas
from parley_interviews.errors import (
    DuplicateParticipant,
    InactiveUser,
    InterviewClosed,
    InterviewNotFound,
    ParticipantNotFound,
    TooManyParticipants,
)
from parley_interviews.events import PARTICIPANT_ADDED, PARTICIPANT_REMOVED
from parley_interviews.models import Participant
from parley_interviews.policy import OPEN, SEES_EMAILS, role_in_interview
from parley_interviews.repository import InterviewRepository, audience


class Assignments:
    """Assigns people to interviews."""

    def __init__(self, parley: Parley) -> None:
        self._users = UserDirectory(parley.database)
        self._interviews = InterviewRepository(parley.database)
        self._clock: Clock = parley.clock

    async def resolve(
        self, wanted: Sequence[schemas.Assignment], added_by: str, added_at: datetime
    ) -> list[Participant]:
        """The participants that assignments ask for.

        Raises:
            UserNotFound, InactiveUser, InvalidParticipantRole: an account is unknown, shut, or of another role.
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
        """Assigns somebody.

        Raises:
            UserNotFound, InactiveUser, InvalidParticipantRole: the account is unknown, shut, or of another role.
            InterviewClosed, DuplicateParticipant, TooManyParticipants: the interview can't take him.
        """
        now = self._clock()
        [participant] = await self.resolve([wanted], access.principal.id, now)
        entry = {"user_id": participant.user_id, "participant_role": participant.participant_role}
        event = Event(
            type=PARTICIPANT_ADDED,
            at=now,
            actor=access.actor,
            changes={"participant": (None, entry)},
            audience=audience(participant.user_id),
        )
        if not await self._interviews.add_participant(access.resource.id, participant, event):
            raise await self._reason_against(access.resource.id, participant.user_id)
        return (await self._presented([participant], access))[0]

    async def remove(self, access: ScopedAccess, user_id: str) -> None:
        """Takes somebody off; he is locked out from his next request on.

        Raises:
            InterviewClosed, ParticipantNotFound: the interview can't lose him.
        """
        event = Event(
            type=PARTICIPANT_REMOVED,
            at=self._clock(),
            actor=access.actor,
            changes={"participant": ({"user_id": user_id}, None)},
            audience=audience(),
        )
        if not await self._interviews.remove_participant(access.resource.id, user_id, event):
            await self._require_open(access.resource.id)
            raise ParticipantNotFound

    async def page(self, access: ScopedAccess, *, limit: int, offset: int) -> tuple[list[schemas.Participant], int]:
        """A page of those who take part, in the order in which they were added, and how many they are."""
        everybody = await self._interviews.participants(access.resource.id)
        return await self._presented(everybody[offset : offset + limit], access), len(everybody)

    async def _presented(self, participants: Sequence[Participant], viewer: Access) -> list[schemas.Participant]:
        users = await self._users.by_ids(p.user_id for p in participants)
        return [_shown(p, users.get(p.user_id), viewer) for p in participants]

    async def _reason_against(self, interview_id: str, user_id: str) -> Exception:
        await self._require_open(interview_id)
        takes_part = any(p.user_id == user_id for p in await self._interviews.participants(interview_id))
        return DuplicateParticipant() if takes_part else TooManyParticipants()

    async def _require_open(self, interview_id: str) -> None:
        if (interview := await self._interviews.get(interview_id)) is None:
            raise InterviewNotFound
        if interview.status not in OPEN:
            raise InterviewClosed


def _participant(user: User | None, wanted: schemas.Assignment, added_by: str, added_at: datetime) -> Participant:
    if user is None:
        raise UserNotFound
    if not user.active:
        raise InactiveUser
    return Participant(user.id, role_in_interview(user.role, wanted.participant_role), added_by, added_at)


def _shown(participant: Participant, user: User | None, viewer: Access) -> schemas.Participant:
    sees_email = viewer.principal.role in SEES_EMAILS or viewer.principal.id == participant.user_id
    return schemas.Participant(
        user_id=participant.user_id,
        participant_role=participant.participant_role,
        name=user.name if user else None,
        email=user.email if user and sees_email else None,
        added_by=participant.added_by,
        added_at=participant.added_at,
    )
