"""The dependencies of the endpoints of sessions."""

from typing import Annotated

from fastapi import Depends, Header

from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_auth.sessions.refreshing import RefreshService
from parley_auth.sessions.service import SessionService
from parley_core import provided

SessionServiceDep = Annotated[SessionService, Depends(provided(SessionService))]
RefreshServiceDep = Annotated[RefreshService, Depends(provided(RefreshService))]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="A random text of your own for this exchange, like a UUID. If you don't get the answer, send the "
        "request again within 60 seconds, with the same key: its answer has the same refresh token.",
    ),
]

SessionRead = Annotated[Access, Depends(Guard("account:read"))]
SessionEnd = Annotated[Access, Depends(Guard("account:update"))]
