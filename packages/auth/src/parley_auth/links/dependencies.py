"""The dependencies of the endpoints of links."""

from typing import Annotated

from fastapi import Depends

from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_auth.links.service import LinkService
from parley_core import provided

LinkServiceDep = Annotated[LinkService, Depends(provided(LinkService))]
LinkCreation = Annotated[Access, Depends(Guard("users:link"))]
