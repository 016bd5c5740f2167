"""The dependencies of the endpoints of the system."""

from typing import Annotated

from fastapi import Depends

from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_auth.system.service import SystemService
from parley_core import provided

SystemServiceDep = Annotated[SystemService, Depends(provided(SystemService))]

SystemRead = Annotated[Access, Depends(Guard("system:read"))]
