"""The rules of the list: what a query asks for."""

from datetime import datetime
from functools import partial

from parley_auth.accounts.search_words import sought
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.indexes import USERS
from parley_auth.listing.models import UserFilter
from parley_auth.listing.repository import UserSearch
from parley_auth.listing.schemas import UserQuery
from parley_auth.models import User
from parley_core.caching.totals import CountedTotals
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import Listing
from parley_core.http.sorting import Places, SortKeys

SORT_KEYS = SortKeys({"created_at": datetime, "email": str}, default="-created_at")


class UserList:
    """Lists accounts."""

    def __init__(self, *, search: UserSearch, totals: CountedTotals, roles: RoleRegistry, cursors: Cursors) -> None:
        self._search = search
        self._totals = totals
        self._places = Places(SORT_KEYS, cursors, of=USERS)
        self._roles = roles

    async def page(self, query: UserQuery) -> Listing[User]:
        """Return the accounts that a query asks for.

        Raises:
            ValidationError: no plugin brings the role.
            InvalidSort, InvalidCursor: the query asks for what the list doesn't offer.
        """
        if query.role is not None:
            self._roles.require(query.role, "?role")
        place = self._places.asked_for(query, sort=query.sort)
        wanted = _filter_of(query)
        read = partial(self._search.page, wanted, place, limit=query.limit)
        found = await self._totals.page(read, of=(USERS, wanted), wanted=query.total)
        return self._places.listing(place, found, found.items)


def _filter_of(query: UserQuery) -> UserFilter:
    words = () if query.q is None else tuple(map(tuple, sought(query.q)))
    return UserFilter(sought=words, role=query.role, active=query.active, state=query.state)
