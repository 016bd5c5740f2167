"""One's own account, and everybody's for administrators."""

from typing import Annotated

from fastapi import Query, Response, status

from parley_auth.accounts import schemas
from parley_auth.dependencies import (
    AccountRead,
    AccountServiceDep,
    AccountUpdate,
    UserChange,
    UserCreation,
    UserList,
    UserRead,
    UserServiceDep,
)
from parley_auth.errors import DuplicateEmail, LastAdmin, RateLimited, UserNotFound, WeakPassword, WrongPassword
from parley_auth.models import User
from parley_auth.passwords.origin import OriginDep
from parley_core import Page, PagerDep, Router, raises
from parley_core.errors import HistoryFull, InvalidId, InvalidSort

router = Router(prefix="/users", tag="users")


@router.get("/me", summary="Read your account", response_model=schemas.User)
async def read_account(access: AccountRead, users: UserServiceDep) -> User:
    """The caller's own account."""
    return await users.get(access.principal.id)


@router.patch("/me", summary="Change your account", response_model=schemas.User)
@raises(HistoryFull)
async def update_account(access: AccountUpdate, body: schemas.ProfileUpdate, users: UserServiceDep) -> User:
    """Changes the caller's own details; role and activity are an administrator's matter."""
    return await users.update(access.principal.id, body.given(), access.actor)


@router.post("/me/password", summary="Change your password", status_code=status.HTTP_204_NO_CONTENT)
@raises(WrongPassword, WeakPassword, RateLimited, HistoryFull)
async def change_password(
    access: AccountUpdate, body: schemas.PasswordChange, accounts: AccountServiceDep, origin: OriginDep
) -> None:
    """Replaces the password and ends every other session of the account."""
    await accounts.change_password(access.principal, origin, current=body.current_password, new=body.new_password)


@router.get("", summary="List accounts", response_model=Page[schemas.User])
@raises(InvalidSort)
async def list_users(
    _access: UserList, query: Annotated[schemas.UserQuery, Query()], users: UserServiceDep, pager: PagerDep
) -> Page[User]:
    """Accounts, newest first unless sorted otherwise."""
    found, total = await users.page(query)
    return pager.page(found, total=total, query=query)


@router.post(
    "", summary="Make an account of any role", status_code=status.HTTP_201_CREATED, response_model=schemas.User
)
@raises(WeakPassword, DuplicateEmail)
async def create_user(
    access: UserCreation, body: schemas.UserCreate, accounts: AccountServiceDep, response: Response
) -> User:
    """Makes an account of the given role."""
    user = await accounts.create(body, body.role, access.actor)
    response.headers["Location"] = f"/v1/users/{user.id}"
    return user


@router.get("/{user_id}", summary="Read an account", response_model=schemas.User)
@raises(InvalidId, UserNotFound)
async def read_user(_access: UserRead, user_id: str, users: UserServiceDep) -> User:
    """Any account."""
    return await users.get(user_id)


@router.patch("/{user_id}", summary="Change an account", response_model=schemas.User)
@raises(InvalidId, UserNotFound, LastAdmin, HistoryFull)
async def update_user(access: UserChange, user_id: str, body: schemas.UserUpdate, users: UserServiceDep) -> User:
    """Changes role, activity or name; in force on the account's next request."""
    return await users.update(user_id, body.given(), access.actor)
