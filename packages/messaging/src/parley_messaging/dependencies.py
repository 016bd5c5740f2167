"""What messaging's endpoints are given."""

from typing import Annotated

from fastapi import Depends, Path

from parley_auth import Guard, ScopedAccess
from parley_core import ParleyDep
from parley_messaging.policy import POST, READ
from parley_messaging.service import MessageService


async def _message_service(parley: ParleyDep) -> MessageService:
    return MessageService(parley)


InterviewId = Annotated[str, Path(alias="interview_id")]
"""Documents the id in the path. The guard has read it; what was guarded is `access.resource`."""

MessageServiceDep = Annotated[MessageService, Depends(_message_service)]

MessageRead = Annotated[ScopedAccess, Depends(Guard(READ))]
MessagePost = Annotated[ScopedAccess, Depends(Guard(POST))]
