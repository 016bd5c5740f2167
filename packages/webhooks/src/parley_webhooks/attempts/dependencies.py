"""What the endpoint of attempts is given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard
from parley_core import provided
from parley_webhooks.attempts.service import AttemptService
from parley_webhooks.policy import READ

AttemptRead = Annotated[Access, Depends(Guard(READ))]
AttemptServiceDep = Annotated[AttemptService, Depends(provided(AttemptService))]
