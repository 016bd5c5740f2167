"""Who is named in a request that adds participants: their accounts, and as what they will take part."""

from collections.abc import Sequence
from datetime import datetime

from parley_auth import ADMIN, Access, AccountState, Invitations, User, UserDirectory
from parley_auth.errors import InactiveUser, LastAdmin, UserNotFound
from parley_core import Session
from parley_core.errors import BusinessRuleError, NotFoundError
from parley_core.item_errors import ItemErrors
from parley_interviews.errors import DuplicateParticipant, UnverifiedEmail
from parley_interviews.models import Participant, ParticipantRole
from parley_interviews.participants.schemas import Assignment
from parley_interviews.policy import role_in_interview

_NO_OTHER_ADMIN = "The only active administrator can't be a candidate: give another account the role admin first"


class Assignments:
    """Turns what a request names into participants.

    Args:
        users: the accounts.
        invitations: creates accounts for unknown addresses.
        assigns_unverified: whether an address that nobody proved stands for its account.
    """

    def __init__(self, *, users: UserDirectory, invitations: Invitations, assigns_unverified: bool) -> None:
        self._users = users
        self._invitations = invitations
        self._assigns_unverified = assigns_unverified

    async def existing(self, wanted: Assignment, by: Access, at: datetime) -> tuple[Participant, User] | None:
        """Return the named participant and their account; None where only `resolve`, in a transaction, can tell.

        Raises:
            UserNotFound, InactiveUser, UnverifiedEmail, InvalidParticipantRole: the account can't take part like this.
        """
        [user] = await self._accounts([wanted])
        if user is None and wanted.invite:
            return None
        participant = self._participant(user, wanted, by, at)
        return (participant, user) if user and not _needs_another_admin(user, participant) else None

    async def all_existing(self, wanted: Sequence[Assignment], by: Access, at: datetime) -> list[Participant] | None:
        """Return the named participants; None where only `resolve`, in a transaction, can tell, or has an error to say.

        Nothing is read where nobody is named.
        """
        accounts = await self._accounts(wanted)
        try:
            participants = [self._participant(user, one, by, at) for user, one in zip(accounts, wanted, strict=True)]
        except (BusinessRuleError, NotFoundError):
            return None
        are_different = len({participant.user_id for participant in participants}) == len(participants)
        needs_more = any(map(_needs_another_admin, accounts, participants))
        return participants if are_different and not needs_more else None

    async def resolve(
        self, wanted: Sequence[Assignment], by: Access, at: datetime, session: Session, *, pointers: Sequence[str]
    ) -> list[Participant]:
        """Return the named participants, for whom the caller's transaction creates the accounts that are missing.

        Args:
            wanted: what the body says of each.
            by: the caller.
            at: now.
            session: the caller's transaction.
            pointers: where the body says it; the error names everybody who can't take part.

        Raises:
            UserNotFound, InactiveUser, UnverifiedEmail, InvalidParticipantRole: an account can't take part like this.
            LastAdmin: an administrator would be a candidate, and no other one is active.
            DuplicateParticipant: somebody is named twice.
        """
        participants: dict[str, Participant] = {}
        invited: dict[str, User] = {}
        errors = ItemErrors()
        accounts = await self._accounts(wanted, session)
        for one, pointer, known in zip(wanted, pointers, accounts, strict=True):
            user = known or invited.get(one.user_email or "")
            if user is None and one.invite and one.user_email:
                user = invited[one.user_email] = await self._invitations.invite(one.user_email, by.actor, session)
            with errors.at(pointer):
                participant = self._participant(user, one, by, at)
                if participant.user_id in participants:
                    raise DuplicateParticipant
                await self._keep_another_admin(user, participant, session)
                participants[participant.user_id] = participant
        errors.check()
        return list(participants.values())

    async def _accounts(self, wanted: Sequence[Assignment], session: Session | None = None) -> list[User | None]:
        ids, emails = [w.user_id for w in wanted if w.user_id], [w.user_email for w in wanted if w.user_email]
        by_id = await self._users.by_ids(ids, session) if ids else {}
        by_email = await self._users.by_emails(emails, session) if emails else {}
        return [by_id.get(w.user_id or "") or by_email.get(w.user_email or "") for w in wanted]

    def _participant(self, user: User | None, wanted: Assignment, by: Access, at: datetime) -> Participant:
        if user is None:
            raise UserNotFound
        if not user.active:
            raise InactiveUser
        is_proved = user.verified or user.state is AccountState.INVITED
        if wanted.user_email and not is_proved and not self._assigns_unverified:
            raise UnverifiedEmail
        return Participant(user.id, role_in_interview(user.role, wanted.participant_role), by.principal.id, at)

    async def _keep_another_admin(self, user: User | None, participant: Participant, session: Session) -> None:
        # The touch conflicts with a concurrent demotion of the other administrator.
        if _needs_another_admin(user, participant) and not await self._users.touch_another_admin(
            participant.user_id, session
        ):
            raise LastAdmin(_NO_OTHER_ADMIN)


def _needs_another_admin(user: User | None, participant: Participant) -> bool:
    return user is not None and user.role == ADMIN and participant.participant_role is ParticipantRole.CANDIDATE
