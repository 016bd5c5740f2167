"""What auth's endpoints are given."""

from typing import Annotated

from fastapi import Depends

from parley_auth.accounts.service import AccountService, UserService
from parley_auth.authorization.guard import Access, Guard
from parley_auth.sessions.service import SessionService
from parley_core import ParleyDep


async def _account_service(parley: ParleyDep) -> AccountService:
    return AccountService(parley)


async def _user_service(parley: ParleyDep) -> UserService:
    return UserService(parley)


async def _session_service(parley: ParleyDep) -> SessionService:
    return SessionService(parley)


AccountServiceDep = Annotated[AccountService, Depends(_account_service)]
UserServiceDep = Annotated[UserService, Depends(_user_service)]
SessionServiceDep = Annotated[SessionService, Depends(_session_service)]

AccountRead = Annotated[Access, Depends(Guard("account:read"))]
AccountUpdate = Annotated[Access, Depends(Guard("account:update"))]
UserList = Annotated[Access, Depends(Guard("users:list"))]
UserCreation = Annotated[Access, Depends(Guard("users:create"))]
UserRead = Annotated[Access, Depends(Guard("users:read"))]
UserChange = Annotated[Access, Depends(Guard("users:update"))]
