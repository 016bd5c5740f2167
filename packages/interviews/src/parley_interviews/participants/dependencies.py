"""What the endpoints of participants are given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_interviews.participants.service import ParticipantService
from parley_interviews.policy import ADD, REMOVE

ParticipantServiceDep = Annotated[ParticipantService, Depends(provided(ParticipantService))]

ParticipantListing = Annotated[ScopedAccess, Depends(Guard("interviews:read"))]
ParticipantAdding = Annotated[ScopedAccess, Depends(Guard(ADD))]
ParticipantRemoval = Annotated[ScopedAccess, Depends(Guard(REMOVE))]
