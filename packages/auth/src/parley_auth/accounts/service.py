"""The rules of accounts."""

from collections.abc import Mapping, Sequence

from parley_auth.accounts.changes import event_of, is_admin, security_events
from parley_auth.accounts.invitations import Invitations
from parley_auth.accounts.registrations import RegistrationBudget
from parley_auth.accounts.repository import UserHistory, UserRepository
from parley_auth.accounts.schemas import Registration, UserCreate
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.errors import LastAdmin, RegistrationClosed, UserNotFound, WrongPassword
from parley_auth.events import USER_CREATED, USER_PASSWORD_CHANGED, USER_REGISTERED, USER_SESSIONS_ENDED
from parley_auth.models import Principal, User
from parley_auth.passwords.check import PasswordCheck
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.origin import Origin
from parley_auth.passwords.pool import Turn
from parley_auth.passwords.rules import PasswordRules
from parley_auth.security_log import log_security_event
from parley_auth.settings import AuthSettings
from parley_core import (
    PRIVATE,
    Actor,
    Clock,
    Database,
    Event,
    EventType,
    HistoryEntry,
    Session,
    in_transaction,
    new_id,
)


class AccountService:
    """Registration, creation and passwords of accounts."""

    def __init__(
        self,
        *,
        users: UserRepository,
        invitations: Invitations,
        passwords: Passwords,
        check: PasswordCheck,
        rules: PasswordRules,
        roles: RoleRegistry,
        budget: RegistrationBudget,
        settings: AuthSettings,
        clock: Clock,
    ) -> None:
        self._users = users
        self._roles = roles
        self._invitations = invitations
        self._passwords = passwords
        self._rules = rules
        self._check = check
        self._budget = budget
        self._settings = settings
        self._clock = clock

    async def register(self, wanted: Registration, origin: Origin) -> User:
        """Register an account with the role of those who register.

        Raises:
            RegistrationClosed: only administrators create accounts, or no plugin brings a role of those who register.
            WeakPassword: the password is too short or too common.
            RateLimited: too many accounts have been registered from this network.
            DuplicateEmail: an account with this e-mail exists.
        """
        role = self._roles.registering
        if role is None or self._settings.auth_registration == "closed":
            raise RegistrationClosed
        # What costs no hash doesn't count.
        self._rules.check(wanted.password, email=wanted.email, name=wanted.name)
        await self._budget.spend(origin)
        user_id = new_id()
        actor = Actor(user_id, role, origin.request_id)
        return await self._create(wanted, role, USER_REGISTERED, actor, user_id=user_id, turn=Turn.REGISTRATION)

    async def create(self, wanted: Registration | UserCreate, role: str, actor: Actor) -> User:
        """Create an account with any role, for an administrator or the system; without a password an invited one.

        Raises:
            ValidationError: no plugin brings the role.
            WeakPassword: the password is too short or too common.
            DuplicateEmail: an account with this e-mail exists.
        """
        return await self._create(wanted, self._roles.require(role), USER_CREATED, actor, user_id=new_id())

    async def change_password(self, principal: Principal, origin: Origin, *, current: str, new: str) -> None:
        """Replace the caller's password and end every other session of the account.

        Raises:
            WrongPassword: `current` isn't the password.
            WeakPassword: `new` is too short or too common.
            RateLimited: too many attempts have failed.
        """
        found = await self._users.credentials({"_id": principal.id})
        if found is None:
            raise WrongPassword
        self._rules.check(new, email=found.user.email, name=found.user.name)
        if not await self._check.matches(found, current, origin, email=found.user.email):
            raise WrongPassword
        event = Event(
            type=USER_PASSWORD_CHANGED,
            at=self._clock(),
            actor=Actor(principal.id, principal.role, origin.request_id),
            changes={"password": (PRIVATE, PRIVATE)},
            audience=(principal.id,),
        )
        password_hash = await self._passwords.hash(new)
        if not await self._users.change_password(found, password_hash, event, kept_session=principal.session_id):
            raise WrongPassword
        log_security_event("password_changed", origin.request_id, user_id=principal.id)

    async def _create(
        self,
        wanted: Registration | UserCreate,
        role: str,
        kind: EventType,
        actor: Actor,
        *,
        user_id: str,
        turn: Turn = Turn.LOGIN,
    ) -> User:
        if wanted.password is None:
            return await self._invitations.add(wanted.email, wanted.name, role, actor)
        self._rules.check(wanted.password, email=wanted.email, name=wanted.name)
        password_hash = await self._passwords.hash(wanted.password, turn)
        now = self._clock()
        user = User(user_id, wanted.email, wanted.name, role, active=True, created_at=now)
        event = Event(type=kind, at=now, actor=actor, changes={"role": (None, role)}, audience=(user.id,))
        await self._users.add(user, password_hash, event)
        return user


class UserService:
    """Reading and changing accounts."""

    def __init__(
        self,
        *,
        users: UserRepository,
        history: UserHistory,
        roles: RoleRegistry,
        database: Database,
        clock: Clock,
    ) -> None:
        self._users = users
        self._roles = roles
        self._history = history
        self._database = database
        self._clock = clock

    async def get(self, user_id: str) -> User:
        """Return the account with this id; raise `UserNotFound` (404)."""
        if (user := await self._users.by_id(user_id)) is None:
            raise UserNotFound
        return user

    async def history(self, user_id: str, *, limit: int, offset: int) -> tuple[Sequence[HistoryEntry], int]:
        """Return a page of an account's changes, oldest first, and how many there are; raise `UserNotFound` (404)."""
        entries, total = await self._history.page(user_id, limit=limit, offset=offset)
        if not total:
            raise UserNotFound
        return entries, total

    async def update(self, user_id: str, wanted: Mapping[str, object], actor: Actor) -> User:
        """Change the name, e-mail, role or activity of an account; the change applies from the next request on.

        Raises:
            ValidationError: no plugin brings the role.
            UserNotFound: there is no such account.
            DuplicateEmail: another account has the e-mail.
            LastAdmin: no active administrator would be left.
        """
        if isinstance(role := wanted.get("role"), str):
            self._roles.require(role)
        before, after = await self._updated(user_id, wanted, actor)
        for kind in security_events(before, after):
            log_security_event(
                kind, actor.request_id, user_id=user_id, by=actor.id, role_before=before.role, role_after=after.role
            )
        return after

    async def end_sessions(self, user_id: str, actor: Actor) -> None:
        """End every session of an account; raise `UserNotFound` (404)."""
        event = Event(type=USER_SESSIONS_ENDED, at=self._clock(), actor=actor, audience=(user_id,))
        if not await self._users.end_sessions(user_id, event):
            raise UserNotFound
        log_security_event("sessions_ended_by_admin", actor.request_id, user_id=user_id, by=actor.id)

    async def _updated(self, user_id: str, wanted: Mapping[str, object], actor: Actor) -> tuple[User, User]:
        """Return the account before and after the change; what was decided on an older state is decided again."""
        while True:
            before = await self.get(user_id)
            changes = {name: value for name, value in wanted.items() if value != getattr(before, name)}
            if not changes:
                return before, before
            if after := await self._change(before, changes, actor):
                return before, after

    async def _change(self, before: User, changes: Mapping[str, object], actor: Actor) -> User | None:
        event = event_of(before, changes, actor, self._clock())
        if not is_admin(before) or is_admin(before, changes):
            # No transaction: it would conflict with each lock of an account that goes on posting.
            return await self._users.change(before, changes, event)

        async def demote(session: Session) -> User | None:
            # The touch makes two concurrent demotions conflict, even of two different administrators.
            if not await self._users.touch_another_admin(before.id, session):
                raise LastAdmin
            return await self._users.change(before, changes, event, session)

        return await in_transaction(self._database.client, demote)
