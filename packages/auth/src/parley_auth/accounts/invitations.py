"""Invited accounts: they can be assigned to, and nobody can log in before a password is set."""

from parley_auth.accounts.repository import UserRepository
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.errors import RegistrationClosed
from parley_auth.events import USER_INVITED
from parley_auth.models import User
from parley_core import Actor, Clock, Event, Session, new_id


class Invitations:
    """Creates accounts without a password, for their owners to take over through a link."""

    def __init__(self, *, users: UserRepository, roles: RoleRegistry, clock: Clock) -> None:
        self._users = users
        self._roles = roles
        self._clock = clock

    async def invite(self, email: str, actor: Actor, session: Session) -> User:
        """Store an invited account with the role of those who register, inside the caller's transaction.

        Args:
            email: the normalised e-mail.
            actor: who invites.
            session: the caller's transaction; without its commit there is no account.

        Raises:
            RegistrationClosed: no plugin brings a role of those who register.
            DuplicateEmail: an account with this e-mail exists.
        """
        if (role := self._roles.registering) is None:
            raise RegistrationClosed
        return await self.add(email, None, role, actor, session)

    async def add(self, email: str, name: str | None, role: str, actor: Actor, session: Session | None = None) -> User:
        """Store an invited account with any declared role; raise `DuplicateEmail` (400)."""
        now = self._clock()
        user = User(new_id(), email, name, role, active=True, created_at=now, invited=True)
        event = Event(type=USER_INVITED, at=now, actor=actor, changes={"role": (None, role)}, audience=(user.id,))
        await self._users.add(user, None, event, session)
        return user
