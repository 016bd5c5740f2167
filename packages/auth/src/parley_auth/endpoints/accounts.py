"""Registering and logging in."""

from typing import Annotated

from fastapi import Depends, Form, Request, Response, status

from parley_auth import schemas
from parley_auth.dependencies import AccountServiceDep
from parley_auth.errors import DuplicateEmail, InvalidCredentials, RegistrationClosed, WeakPassword
from parley_auth.models import User
from parley_auth.tokens import IssuedToken
from parley_core import Router, raises, request_id_of

router = Router(prefix="/auth", tag="auth")


@router.post("/register", summary="Make an account", status_code=status.HTTP_201_CREATED, response_model=schemas.User)
@raises(RegistrationClosed, WeakPassword, DuplicateEmail)
async def register(body: schemas.Registration, accounts: AccountServiceDep, request: Request) -> User:
    """Makes an account; its role is candidate until an administrator gives it another."""
    return await accounts.register(body, request_id_of(request.scope))


async def _forbid_storing(response: Response) -> None:
    # RFC 6749, section 5.1.
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache"})


@router.post("/login", summary="Log in", dependencies=[Depends(_forbid_storing)])
@raises(InvalidCredentials)
async def log_in(body: schemas.Login, accounts: AccountServiceDep) -> schemas.Token:
    """Answers an access token to send as `Authorization: Bearer`."""
    return _answer(await accounts.log_in(body.email, body.password))


@router.post("/token", summary="Log in with the OAuth2 password form", dependencies=[Depends(_forbid_storing)])
@raises(InvalidCredentials)
async def log_in_with_form(form: Annotated[schemas.LoginForm, Form()], accounts: AccountServiceDep) -> schemas.Token:
    """The same as a login with JSON; the Authorize button of the documentation page uses it."""
    return _answer(await accounts.log_in(form.username, form.password))


def _answer(token: IssuedToken) -> schemas.Token:
    return schemas.Token(access_token=token.text, expires_in=token.expires_in)
