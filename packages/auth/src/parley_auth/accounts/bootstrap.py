"""The first administrator, without whom nobody could do anything."""

import secrets

from pydantic import ValidationError

from parley_auth.accounts.repository import UserRepository
from parley_auth.accounts.schemas import Registration, normalised
from parley_auth.accounts.service import AccountService
from parley_auth.errors import DuplicateEmail, WeakPassword
from parley_auth.models import Role
from parley_auth.passwords.hashing import Passwords
from parley_auth.settings import AuthSettings
from parley_core import Actor, Parley, StartupError

_EMBEDDED_ADMIN = "admin@parley.example"
_SYSTEM = Actor(None, "system", "start-up")


async def ensure_first_admin(parley: Parley) -> None:
    """Makes an administrator where there is none and it is known which one.

    PARLEY_ADMIN_EMAIL and PARLEY_ADMIN_PASSWORD say which; on an embedded database, without them, one is made
    with a random password that is announced once. Several workers that start at once make one.

    Raises:
        StartupError: the settings name an account that isn't an administrator's, or a password that is refused.
    """
    users = UserRepository(parley.database)
    if await users.has_admin():
        return
    settings = parley.settings(AuthSettings)
    if settings.admin_email and settings.admin_password:
        password = settings.admin_password.get_secret_value()
        await provide_admin(parley, email=settings.admin_email, password=password)
    elif parley.data_dir is not None:
        await _make_random(parley)


async def provide_admin(parley: Parley, *, email: str, password: str) -> None:
    """Sees to it that there is an active administrator with this e-mail and password; doing it twice changes nothing.

    Raises:
        StartupError: e-mail or password are refused, or the e-mail belongs to an account that isn't like that.
    """
    try:
        wanted = Registration(email=email, password=password)
        await AccountService(parley).create(wanted, Role.ADMIN, _SYSTEM)
    except ValidationError as error:
        found = error.errors(include_input=False, include_context=False, include_url=False)[0]
        raise StartupError(f"the administrator's {found['loc'][0]} is refused: {found['msg']}") from None
    except WeakPassword as error:
        raise StartupError(f"the administrator's password is refused: {error.detail}") from error
    except DuplicateEmail as error:
        if not await _is_that_admin(parley, email, password):
            raise StartupError(
                f"{normalised(email)} belongs to an account already that isn't an active administrator's "
                "with this password"
            ) from error


async def _is_that_admin(parley: Parley, email: str, password: str) -> bool:
    found = await UserRepository(parley.database).credentials({"email": {"$eq": normalised(email)}})
    if found is None or found.user.role is not Role.ADMIN or not found.user.active:
        return False
    return await parley.require(Passwords).verify(found.password_hash, password)


async def _make_random(parley: Parley) -> None:
    password = secrets.token_urlsafe(12)
    try:
        await provide_admin(parley, email=_EMBEDDED_ADMIN, password=password)
    except StartupError:
        # Another worker may have been first; if nobody was, the reason stands.
        if not await UserRepository(parley.database).has_admin():
            raise
    else:
        parley.announce(f"First administrator: {_EMBEDDED_ADMIN}  one-time password: {password}")
