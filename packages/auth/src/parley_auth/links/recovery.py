"""What the operator of a deployment does to accounts from the command line, without an administrator who logs in."""

from pydantic import TypeAdapter, ValidationError

from parley_auth.accounts.repository import UserDirectory
from parley_auth.accounts.schemas import NewPassword
from parley_auth.emails import normalised
from parley_auth.errors import InactiveUser, NoPassword, PasswordExists, WeakPassword
from parley_auth.events import USER_PASSWORD_RESET
from parley_auth.links.models import IssuedLink, Purpose
from parley_auth.links.repository import LinkRepository
from parley_auth.links.service import LinkService
from parley_auth.models import AccountState, User
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.rules import PasswordRules
from parley_auth.security_log import log_security_event
from parley_core import PRIVATE, Actor, Clock, Event, StartupError

_OPERATOR = Actor(None, "system", "command")
_PASSWORD = TypeAdapter[str](NewPassword)


class Recovery:
    """Sets passwords and creates links on behalf of the system."""

    def __init__(
        self,
        *,
        users: UserDirectory,
        links: LinkRepository,
        service: LinkService,
        passwords: Passwords,
        rules: PasswordRules,
        clock: Clock,
    ) -> None:
        self._users = users
        self._links = links
        self._service = service
        self._passwords = passwords
        self._rules = rules
        self._clock = clock

    async def set_password(self, email: str, password: str) -> User:
        """Set the password of an account, end all its sessions, and return the account as it was before.

        Raises:
            StartupError: there is no such account, it is inactive, or the password is refused.
        """
        user = await self._active(email)
        self._check(password, user)
        password_hash = await self._passwords.hash(password)
        if not await self._links.set_password(user, password_hash, self._event_of(user)):
            raise StartupError(f"{user.email} has changed in this moment: try again")
        log_security_event("password_reset", _OPERATOR.request_id, user_id=user.id)
        return user

    async def link(self, email: str, purpose: Purpose | None) -> IssuedLink:
        """Create a link for an account; by default for what the account needs.

        Raises:
            StartupError: there is no such account, it is inactive, or needs the other purpose.
        """
        user = await self._active(email)
        purpose = purpose or (Purpose.INVITATION if user.invited else Purpose.RESET)
        try:
            return await self._service.create(user.id, purpose, _OPERATOR)
        except (InactiveUser, NoPassword, PasswordExists) as error:
            raise StartupError(f"{user.email}: {error.detail}") from error

    async def _active(self, email: str) -> User:
        user = await self._users.by_email(normalised(email))
        if user is None:
            raise StartupError(f"no account has the e-mail {normalised(email)}")
        if not user.active:
            raise StartupError(f"{user.email}: {InactiveUser.title}")
        return user

    def _check(self, password: str, user: User) -> None:
        try:
            self._rules.check(_PASSWORD.validate_python(password), email=user.email, name=user.name)
        except ValidationError as error:
            raise StartupError(f"the password is refused: {error.errors(include_input=False)[0]['msg']}") from None
        except WeakPassword as error:
            raise StartupError(f"the password is refused: {error.detail}") from error

    def _event_of(self, user: User) -> Event:
        state = {"state": (AccountState.INVITED, AccountState.ACTIVE)} if user.invited else {}
        changes = {"password": (PRIVATE, PRIVATE), **state}
        return Event(type=USER_PASSWORD_RESET, at=self._clock(), actor=_OPERATOR, changes=changes, audience=(user.id,))
