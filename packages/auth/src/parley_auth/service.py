"""The rules of accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from parley_auth.errors import (
    InvalidCredentials,
    LastAdmin,
    RegistrationClosed,
    UserNotFound,
    WrongPassword,
)
from parley_auth.events import (
    USER_CREATED,
    USER_DEACTIVATED,
    USER_PASSWORD_CHANGED,
    USER_REACTIVATED,
    USER_REGISTERED,
    USER_ROLE_CHANGED,
    USER_UPDATED,
)
from parley_auth.models import Role, User
from parley_auth.passwords import Passwords, check_strength
from parley_auth.repository import UserRepository
from parley_auth.schemas import Registration, UserQuery, normalised
from parley_auth.settings import AuthSettings
from parley_auth.tokens import AccessTokens, IssuedToken
from parley_core import PRIVATE, Actor, Clock, Event, EventType, Parley, Session, in_transaction, new_id
from parley_core.sorting import SortKeys

SORT_KEYS = SortKeys({"created_at": datetime, "email": str}, default="-created_at")


class AccountService:
    """What anybody does with his own account."""

    def __init__(self, parley: Parley) -> None:
        self._users = UserRepository(parley.database)
        self._settings = parley.settings(AuthSettings)
        self._passwords = parley.require(Passwords)
        self._tokens = parley.require(AccessTokens)
        self._clock: Clock = parley.clock

    async def register(self, wanted: Registration, request_id: str) -> User:
        """Makes an account of the role candidate.

        Raises:
            RegistrationClosed: accounts are made by administrators alone.
            WeakPassword: the password is too short or too well known.
            DuplicateEmail: there is an account with this e-mail.
        """
        if self._settings.auth_registration == "closed":
            raise RegistrationClosed
        user_id = new_id()
        actor = Actor(user_id, Role.CANDIDATE, request_id)
        return await self._create(wanted, Role.CANDIDATE, USER_REGISTERED, actor, user_id=user_id)

    async def create(self, wanted: Registration, role: Role, actor: Actor) -> User:
        """Makes an account of any role, on behalf of an administrator or of the system; raises as `register` does."""
        return await self._create(wanted, role, USER_CREATED, actor, user_id=new_id())

    async def log_in(self, email: str, password: str) -> IssuedToken:
        """An access token for the active account with this e-mail and password.

        Raises:
            InvalidCredentials: there is none; the same work has been done, whatever the reason.
        """
        found = await self._users.credentials({"email": {"$eq": normalised(email)}})
        usable = found if found and found.user.active else None
        matches = await self._passwords.verify(usable.password_hash if usable else None, password)
        if usable is None or not matches:
            raise InvalidCredentials
        return self._tokens.issue(usable.user.id, token_version=usable.token_version)

    async def change_password(self, actor: Actor, *, current: str, new: str) -> None:
        """Replaces the caller's password; every access token of the account ends.

        Raises:
            WrongPassword: `current` isn't the password.
            WeakPassword: `new` is too short or too well known.
        """
        check_strength(new, min_length=self._settings.password_min_length)
        found = await self._users.credentials({"_id": actor.id})
        if found is None or not await self._passwords.verify(found.password_hash, current):
            raise WrongPassword
        event = Event(
            type=USER_PASSWORD_CHANGED,
            at=self._clock(),
            actor=actor,
            changes={"password": (PRIVATE, PRIVATE)},
            audience=(actor.id,),
        )
        if not await self._users.change_password(found, await self._passwords.hash(new), event):
            raise WrongPassword

    async def _create(self, wanted: Registration, role: Role, kind: EventType, actor: Actor, *, user_id: str) -> User:
        check_strength(wanted.password, min_length=self._settings.password_min_length)
        password_hash = await self._passwords.hash(wanted.password)
        now = self._clock()
        user = User(user_id, wanted.email, wanted.name, role, active=True, created_at=now)
        event = Event(type=kind, at=now, actor=actor, changes={"role": (None, role)}, audience=(user.id,))
        await self._users.add(user, password_hash, event)
        return user


class UserService:
    """What administrators do with accounts, and everybody with the details of his own."""

    def __init__(self, parley: Parley) -> None:
        self._client = parley.client
        self._users = UserRepository(parley.database)
        self._clock: Clock = parley.clock

    async def get(self, user_id: str) -> User:
        """The account with this id; raises `UserNotFound` (404)."""
        if (user := await self._users.by_id(user_id)) is None:
            raise UserNotFound
        return user

    async def page(self, query: UserQuery) -> tuple[Sequence[User], int]:
        """The accounts that a query asks for, and how many there are in all."""
        wanted = {"role": query.role, "active": query.active}
        where = {name: {"$eq": value} for name, value in wanted.items() if value is not None}
        sort = SORT_KEYS.parse(query.sort)
        return await self._users.page(where, sort, limit=query.limit, offset=query.offset)

    async def update(self, user_id: str, wanted: Mapping[str, object], actor: Actor) -> User:
        """Changes name, role or activity of an account; in force on the next request.

        Raises:
            UserNotFound: there is no such account.
            LastAdmin: no active administrator would be left.
        """
        return await in_transaction(self._client, lambda session: self._update(user_id, wanted, actor, session))

    async def _update(self, user_id: str, wanted: Mapping[str, object], actor: Actor, session: Session) -> User:
        before = await self._users.by_id(user_id, session)
        if before is None:
            raise UserNotFound
        changes = {name: value for name, value in wanted.items() if value != getattr(before, name)}
        if not changes:
            return before
        if _is_admin(before) and not _is_admin(before, changes):
            await self._keep_another_admin(user_id, session)
        after = await self._users.change(before, changes, self._event(before, changes, actor), session)
        if after is None:
            raise UserNotFound
        return after

    async def _keep_another_admin(self, user_id: str, session: Session) -> None:
        # The touch makes two demotions at once conflict, even when each spares the other's target.
        if not await self._users.touch_another_admin(user_id, session):
            raise LastAdmin

    def _event(self, before: User, changes: Mapping[str, object], actor: Actor) -> Event:
        told = {
            field: (PRIVATE, PRIVATE) if field == "name" else (getattr(before, field), value)
            for field, value in changes.items()
        }
        return Event(type=_kind_of(changes), at=self._clock(), actor=actor, changes=told, audience=(before.id,))


def _is_admin(user: User, changes: Mapping[str, object] | None = None) -> bool:
    after = {"role": user.role, "active": user.active} | dict(changes or {})
    return after["role"] == Role.ADMIN and after["active"] is True


def _kind_of(changes: Mapping[str, object]) -> EventType:
    """The weightiest thing that happens; the entry names the other changes too."""
    if "active" in changes:
        return USER_REACTIVATED if changes["active"] else USER_DEACTIVATED
    return USER_ROLE_CHANGED if "role" in changes else USER_UPDATED
