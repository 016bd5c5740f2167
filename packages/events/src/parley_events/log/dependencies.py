"""What the endpoints of the log are given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard
from parley_core import provided
from parley_events.feed import EventTypes
from parley_events.log.service import EventPages
from parley_events.policy import READ

EventPagesDep = Annotated[EventPages, Depends(provided(EventPages))]
EventTypesDep = Annotated[EventTypes, Depends(provided(EventTypes))]

EventRead = Annotated[Access, Depends(Guard(READ))]
