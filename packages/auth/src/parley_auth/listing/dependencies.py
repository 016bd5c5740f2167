"""What the endpoint of the list is given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth.authorization.access import Access
from parley_auth.authorization.guard import Guard
from parley_auth.listing.service import UserList
from parley_core import provided

UserListDep = Annotated[UserList, Depends(provided(UserList))]
UserListing = Annotated[Access, Depends(Guard("users:list"))]
