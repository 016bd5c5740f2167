"""Registration, your own account, and the administration of all accounts."""

from typing import Annotated

from fastapi import Query, Request, Response, status

from parley_auth import caching
from parley_auth.accounts import schemas
from parley_auth.accounts.dependencies import (
    AccountRead,
    AccountServiceDep,
    AccountUpdate,
    UserChange,
    UserCreation,
    UserLogout,
    UserRead,
    UserServiceDep,
)
from parley_auth.errors import (
    DuplicateEmail,
    LastAdmin,
    RateLimited,
    RegistrationClosed,
    UserNotFound,
    WeakPassword,
    WrongPassword,
)
from parley_auth.models import User
from parley_auth.passwords.origin import OriginDep
from parley_core import HistoryEntry, Page, PageQuery, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidId
from parley_core.http.requests import outer_path_of
from parley_core.http.sent_headers import LOCATION, sends

registration = Router(prefix="/auth", tag="auth", small_bodies=True)
router = Router(prefix="/users", tag="users", description="Your own account, and the administration of all accounts.")


@registration.post(
    "/register", summary="Register an account", status_code=status.HTTP_201_CREATED, response_model=schemas.User
)
@raises(RegistrationClosed, WeakPassword, DuplicateEmail, RateLimited)
async def register(body: schemas.Registration, accounts: AccountServiceDep, origin: OriginDep) -> User:
    """Register an account for yourself. Its role is that of those who register until an administrator changes it."""
    return await accounts.register(body, origin)


@router.get("/me", summary="Read your account", response_model=schemas.User)
@cached(caching.OWN)
async def read_account(access: AccountRead, users: UserServiceDep) -> User:
    """Return your own account."""
    return await users.get(access.principal.id)


@router.patch("/me", summary="Change your account", response_model=schemas.User)
async def update_account(access: AccountUpdate, body: schemas.ProfileUpdate, users: UserServiceDep) -> User:
    """Change your own details. Only administrators change roles, and deactivate or reactivate accounts."""
    return await users.update(access.principal.id, body.given(), access.actor)


@router.post("/me/password", summary="Change your password", status_code=status.HTTP_204_NO_CONTENT)
@raises(WrongPassword, WeakPassword, RateLimited)
async def change_password(
    access: AccountUpdate, body: schemas.PasswordChange, accounts: AccountServiceDep, origin: OriginDep
) -> None:
    """Replace your password and end every other session of your account."""
    await accounts.change_password(access.principal, origin, current=body.current_password, new=body.new_password)


@router.post("", summary="Create an account", status_code=status.HTTP_201_CREATED, response_model=schemas.User)
@raises(WeakPassword, DuplicateEmail)
@sends(LOCATION)
async def create_user(
    access: UserCreation, body: schemas.UserCreate, accounts: AccountServiceDep, request: Request, response: Response
) -> User:
    """Create an account with any role. Without a password it is invited, and nobody can log in before one is set."""
    user = await accounts.create(body, body.role, access.actor)
    response.headers["Location"] = f"{outer_path_of(request.scope)}/{user.id}"
    return user


@router.get("/{user_id}", summary="Read an account", response_model=schemas.User)
@raises(InvalidId, UserNotFound)
@cached(caching.ONE)
async def read_user(_access: UserRead, user_id: str, users: UserServiceDep) -> User:
    """Return any account."""
    return await users.get(user_id)


@router.get(
    "/{user_id}/history", summary="Read the history of an account", response_model=Page[schemas.UserHistoryEntry]
)
@raises(InvalidId, UserNotFound)
async def read_user_history(
    _access: UserRead, user_id: str, query: Annotated[PageQuery, Query()], users: UserServiceDep, pager: PagerDep
) -> Page[HistoryEntry]:
    """Return every change, oldest first: who did what, and when. Names and passwords are left out."""
    entries, total = await users.history(user_id, limit=query.limit, offset=query.offset)
    return pager.page(entries, total=total, query=query)


@router.patch("/{user_id}", summary="Change an account", response_model=schemas.User)
@raises(InvalidId, UserNotFound, DuplicateEmail, LastAdmin)
async def update_user(access: UserChange, user_id: str, body: schemas.UserUpdate, users: UserServiceDep) -> User:
    """Change an account's role, name or e-mail, deactivate or reactivate it. This applies from its next request on.

    A new e-mail is not verified, and an older link no longer works.
    """
    return await users.update(user_id, body.given(), access.actor)


@router.post("/{user_id}/logout-all", summary="End every session of an account", status_code=status.HTTP_204_NO_CONTENT)
@raises(InvalidId, UserNotFound)
async def end_user_sessions(access: UserLogout, user_id: str, users: UserServiceDep) -> None:
    """End every session of an account. Its tokens are invalid from the next request on."""
    await users.end_sessions(user_id, access.actor)
