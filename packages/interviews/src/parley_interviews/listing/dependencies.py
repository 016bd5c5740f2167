"""What the endpoint of the list is given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard
from parley_core import provided
from parley_interviews.listing.service import InterviewList

InterviewListDep = Annotated[InterviewList, Depends(provided(InterviewList))]
InterviewListing = Annotated[Access, Depends(Guard("interviews:list"))]
