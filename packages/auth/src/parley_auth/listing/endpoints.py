"""The route of the list."""

from typing import Annotated

from fastapi import Query

from parley_auth import caching
from parley_auth.accounts import schemas
from parley_auth.listing.dependencies import UserListDep, UserListing
from parley_auth.listing.schemas import UserQuery
from parley_auth.models import User
from parley_core import Page, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidCursor, InvalidSort

router = Router(prefix="/users", tag="users")


@router.get("", summary="List accounts", response_model=Page[schemas.User])
@raises(InvalidSort, InvalidCursor)
@cached(caching.LIST)
async def list_users(
    _access: UserListing, query: Annotated[UserQuery, Query()], users: UserListDep, pager: PagerDep
) -> Page[User]:
    """List all accounts or find some of them; newest first unless sorted otherwise."""
    return pager.listing(await users.page(query), query=query)
