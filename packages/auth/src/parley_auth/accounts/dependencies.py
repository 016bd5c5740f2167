"""The dependencies of the endpoints of accounts."""

from typing import Annotated

from fastapi import Depends

from parley_auth.accounts.service import AccountService, UserService
from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_core import provided

AccountServiceDep = Annotated[AccountService, Depends(provided(AccountService))]
UserServiceDep = Annotated[UserService, Depends(provided(UserService))]

AccountRead = Annotated[Access, Depends(Guard("account:read"))]
AccountUpdate = Annotated[Access, Depends(Guard("account:update"))]
UserCreation = Annotated[Access, Depends(Guard("users:create"))]
UserRead = Annotated[Access, Depends(Guard("users:read"))]
UserLogout = Annotated[Access, Depends(Guard("users:logout"))]
UserChange = Annotated[Access, Depends(Guard("users:update"))]
