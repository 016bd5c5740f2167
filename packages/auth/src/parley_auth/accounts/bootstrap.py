"""Administrators from settings and from the command line: without a first one, nobody could create others."""

import logging
import secrets
from collections.abc import Callable

from pydantic import ValidationError

from parley_auth.accounts.repository import UserRepository
from parley_auth.accounts.schemas import Registration
from parley_auth.accounts.service import AccountService
from parley_auth.emails import normalised
from parley_auth.errors import DuplicateEmail, WeakPassword
from parley_auth.models import ADMIN
from parley_auth.passwords.hashing import Passwords
from parley_auth.settings import AuthSettings
from parley_core import Actor, StartupError
from parley_core.log_lines import LogLine

_EMBEDDED_ADMIN = "admin@parley.example"
_SYSTEM = Actor(None, "system", "start-up")
_UNUSED = (
    "PARLEY_ADMIN_EMAIL and PARLEY_ADMIN_PASSWORD are not used, since there is an administrator, who has another "
    "e-mail or password: unset them, or set a password with `parley set-password`"
)
_log = logging.getLogger("parley.settings")


class Administrators:
    """Creates administrators on behalf of the system."""

    def __init__(self, *, accounts: AccountService, users: UserRepository, passwords: Passwords) -> None:
        self._accounts = accounts
        self._users = users
        self._passwords = passwords

    async def ensure_first(self, settings: AuthSettings, *, announce: Callable[[str], None] | None) -> None:
        """Create the first administrator when there is none and the settings name one.

        Several workers that start at once create one.

        Args:
            settings: PARLEY_ADMIN_EMAIL and PARLEY_ADMIN_PASSWORD name the first administrator.
            announce: for an embedded database: without these settings, one with a random password is created, and the
                password is announced once. None for a MongoDB server.

        Raises:
            StartupError: the e-mail belongs to another account, or the password is refused.
        """
        if await self._users.has_admin():
            return
        if settings.admin_email and settings.admin_password:
            await self.provide(email=settings.admin_email, password=settings.admin_password.get_secret_value())
        elif announce:
            await self._create_random(announce)

    async def warn_of_unused(self, settings: AuthSettings) -> None:
        """Log that the settings name nobody who could log in, since another administrator was first.

        Args:
            settings: PARLEY_ADMIN_EMAIL and PARLEY_ADMIN_PASSWORD, neither of which is logged.
        """
        if not (settings.admin_email and settings.admin_password):
            return
        if not await self._is_that_admin(settings.admin_email, settings.admin_password.get_secret_value()):
            _log.warning(LogLine("admin_settings_unused", _UNUSED))

    async def provide(self, *, email: str, password: str) -> None:
        """Create an active administrator with this e-mail and password, unless there is one.

        Raises:
            StartupError: e-mail or password are refused, or the e-mail belongs to another account.
        """
        try:
            wanted = Registration(email=email, password=password)
            await self._accounts.create(wanted, ADMIN, _SYSTEM)
        except ValidationError as error:
            found = error.errors(include_input=False, include_context=False, include_url=False)[0]
            raise StartupError(f"the administrator's {found['loc'][0]} is refused: {found['msg']}") from None
        except WeakPassword as error:
            raise StartupError(f"the administrator's password is refused: {error.detail}") from error
        except DuplicateEmail as error:
            if not await self._is_that_admin(email, password):
                raise StartupError(
                    f"{normalised(email)} belongs to an account already, which is not an active administrator "
                    "with this password: give another e-mail, or the account's password"
                ) from error

    async def _is_that_admin(self, email: str, password: str) -> bool:
        found = await self._users.credentials({"email": {"$eq": normalised(email)}})
        if found is None or found.user.role != ADMIN or not found.user.active:
            return False
        return await self._passwords.verify(found.password_hash, password)

    async def _create_random(self, announce: Callable[[str], None]) -> None:
        password = secrets.token_urlsafe(12)
        try:
            await self.provide(email=_EMBEDDED_ADMIN, password=password)
        except StartupError:
            # Another worker may have been first; otherwise the error counts.
            if not await self._users.has_admin():
                raise
        else:
            announce(f"First administrator: {_EMBEDDED_ADMIN}  one-time password: {password}")
