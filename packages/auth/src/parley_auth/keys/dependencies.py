"""The dependencies of the endpoints of API keys."""

from typing import Annotated

from fastapi import Depends

from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_auth.keys.service import KeyService
from parley_core import provided

KeyServiceDep = Annotated[KeyService, Depends(provided(KeyService))]

KeyCreation = Annotated[Access, Depends(Guard("keys:create"))]
KeyListing = Annotated[Access, Depends(Guard("keys:list"))]
KeyRevocation = Annotated[Access, Depends(Guard("keys:revoke"))]
