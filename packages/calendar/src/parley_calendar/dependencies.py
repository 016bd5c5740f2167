"""What the endpoints of calendars depend on: guards and services."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard, ScopedAccess
from parley_calendar.policy import CREATE, DELETE, LIST, READ_INTERVIEW
from parley_calendar.service import FeedService, FileService
from parley_core import provided

FeedServiceDep = Annotated[FeedService, Depends(provided(FeedService))]
FileServiceDep = Annotated[FileService, Depends(provided(FileService))]

InterviewRead = Annotated[ScopedAccess, Depends(Guard(READ_INTERVIEW))]
FeedCreation = Annotated[Access, Depends(Guard(CREATE))]
FeedListing = Annotated[Access, Depends(Guard(LIST))]
FeedDeletion = Annotated[Access, Depends(Guard(DELETE))]
