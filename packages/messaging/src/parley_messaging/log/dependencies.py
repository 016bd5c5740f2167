"""What the endpoints of the log are given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_messaging.log.service import MessageService
from parley_messaging.policy import POST, READ

MessageServiceDep = Annotated[MessageService, Depends(provided(MessageService))]

MessageRead = Annotated[ScopedAccess, Depends(Guard(READ))]
MessagePost = Annotated[ScopedAccess, Depends(Guard(POST))]
