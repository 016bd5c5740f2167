"""The rules of the list: what a query asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parley_auth.accounts.search_words import sought
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.indexes import USERS
from parley_auth.listing.models import Found, UserFilter
from parley_auth.listing.repository import UserSearch
from parley_auth.listing.schemas import UserQuery
from parley_auth.models import User
from parley_core.http.cursors import Cursors
from parley_core.http.sorting import Places, Sort, SortKeys

SORT_KEYS = SortKeys({"created_at": datetime, "email": str}, default="-created_at")


@dataclass(frozen=True)
class Listing:
    """A page of the list.

    Args:
        users: the accounts.
        total: how many there are on all pages.
        offset: how many lie before these.
        cursor: the place behind these; None when no others follow.
    """

    users: Sequence[User]
    total: int
    offset: int
    cursor: str | None


class UserList:
    """Lists accounts."""

    def __init__(self, *, search: UserSearch, roles: RoleRegistry, cursors: Cursors) -> None:
        self._search = search
        self._places = Places(SORT_KEYS, cursors, of=USERS)
        self._roles = roles

    async def page(self, query: UserQuery) -> Listing:
        """Return the accounts that a query asks for.

        Raises:
            ValidationError: no plugin brings the role.
            InvalidSort, InvalidCursor: the query asks for what the list doesn't offer.
        """
        if query.role is not None:
            self._roles.require(query.role, "?role")
        sort, cursor = self._places.asked_for(sort=query.sort, cursor=query.cursor, offset=query.offset)
        found = await self._search.page(_filter_of(query), sort, limit=query.limit, offset=query.offset, cursor=cursor)
        start = cursor.offset if cursor else query.offset
        return Listing(found.users, found.total, start, self._behind(found, sort, start))

    def _behind(self, found: Found, sort: Sort, start: int) -> str | None:
        if not found.more:
            return None
        return self._places.behind(sort, _sort_values(found.users[-1]), offset=start + len(found.users))


def _filter_of(query: UserQuery) -> UserFilter:
    words = () if query.q is None else sought(query.q)
    return UserFilter(sought=words, role=query.role, active=query.active, state=query.state)


def _sort_values(user: User) -> dict[str, Any]:
    return {**{name: getattr(user, name) for name in SORT_KEYS.names}, "_id": user.id}
