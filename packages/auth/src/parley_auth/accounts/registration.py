"""Registering."""

from fastapi import Request, status

from parley_auth.accounts import schemas
from parley_auth.dependencies import AccountServiceDep
from parley_auth.errors import DuplicateEmail, RegistrationClosed, WeakPassword
from parley_auth.models import User
from parley_core import Router, raises, request_id_of

router = Router(prefix="/auth", tag="auth")


@router.post("/register", summary="Make an account", status_code=status.HTTP_201_CREATED, response_model=schemas.User)
@raises(RegistrationClosed, WeakPassword, DuplicateEmail)
async def register(body: schemas.Registration, accounts: AccountServiceDep, request: Request) -> User:
    """Makes an account; its role is candidate until an administrator gives it another."""
    return await accounts.register(body, request_id_of(request.scope))
