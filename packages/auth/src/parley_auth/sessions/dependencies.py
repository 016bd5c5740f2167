"""The dependencies of the endpoints of sessions."""

from typing import Annotated

from fastapi import Depends

from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_auth.sessions.refreshing import RefreshService
from parley_auth.sessions.service import SessionService
from parley_core import provided

SessionServiceDep = Annotated[SessionService, Depends(provided(SessionService))]
RefreshServiceDep = Annotated[RefreshService, Depends(provided(RefreshService))]

SessionRead = Annotated[Access, Depends(Guard("account:read"))]
SessionEnd = Annotated[Access, Depends(Guard("account:update"))]
