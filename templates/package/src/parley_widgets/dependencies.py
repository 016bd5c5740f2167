"""What the endpoints of widgets depend on: guards and the service."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard
from parley_core import provided
from parley_widgets.policy import CREATE, READ
from parley_widgets.service import WidgetService

WidgetServiceDep = Annotated[WidgetService, Depends(provided(WidgetService))]

WidgetRead = Annotated[Access, Depends(Guard(READ))]
WidgetCreation = Annotated[Access, Depends(Guard(CREATE))]
