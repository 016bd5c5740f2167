"""The list of accounts in MongoDB: filters, orders, pages and totals."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from parley_auth.accounts.repository import PUBLIC, user_of
from parley_auth.indexes import INDEX_OF_SORT, SEARCH_WORDS, USERS
from parley_auth.listing.models import UserFilter
from parley_auth.models import AccountState, User
from parley_core import Database, Document
from parley_core.data.keyset import Found, Place, Sort, counting, documents_at

# An older account has no stored state; a deactivated one keeps the one that it had.
_ENABLED = (AccountState.ACTIVE, None)
_ANY = (*_ENABLED, AccountState.INVITED)
_STORED_AS: Mapping[AccountState, tuple[bool, Sequence[str | None]]] = {
    AccountState.INVITED: (True, (AccountState.INVITED,)),
    AccountState.ACTIVE: (True, _ENABLED),
    AccountState.DEACTIVATED: (False, _ANY),
}
# Sorts behind every character that a word or an e-mail can have.
_LAST = "\U0010ffff"


class UserSearch:
    """Finds accounts."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]

    async def page(self, wanted: UserFilter, place: Place, *, limit: int, counts: bool) -> Found[User]:
        """Return the page of the wanted accounts that begins at a place; `counts` says whether all are counted too."""
        where = _where(wanted)
        along = _index_to_count(wanted) if counts else None
        page = documents_at(
            self._users,
            where,
            place,
            limit=limit,
            projection=PUBLIC,
            index=_index_for(wanted, place.sort),
            total=counting(self._users, where) if counts and along is None else None,
        )
        if along is None:
            found = await page
            return found.showing([user_of(document) for document in found.items])
        # An index can't be named for the second part of a command.
        found, total = await asyncio.gather(page, self._users.count_documents(where, hint=along))
        return Found([user_of(document) for document in found.items], total, found.end)


def _where(wanted: UserFilter) -> Document:
    conditions = list(_conditions(wanted))
    return {"$and": conditions} if conditions else {}


def _conditions(wanted: UserFilter) -> Iterator[Document]:
    if wanted.sought:
        yield {"$or": [{"$and": [_starting_with(start) for start in all_of]} for all_of in wanted.sought]}
    if wanted.role is not None:
        yield {"role": {"$eq": wanted.role}}
    if wanted.active is not None or wanted.state is not None:
        yield _standing(wanted)


def _standing(wanted: UserFilter) -> Document:
    """Return the condition for activity and state, which are stored in the same fields and may contradict."""
    is_active, states = (wanted.active, _ANY) if wanted.state is None else _STORED_AS[wanted.state]
    if wanted.active not in {None, is_active}:
        return {"active": {"$in": []}}
    # Both fields are named, so that their index has the accounts in the order of the list.
    return {"active": is_active, "state": {"$in": states}}


def _index_for(wanted: UserFilter, sort: Sort) -> str | None:
    """Return the index that a list goes along; None where the query planner chooses the better of several."""
    first_key, is_narrowed = sort.keys[0][0], (wanted.active, wanted.state) != (None, None)
    if wanted.sought:
        return SEARCH_WORDS
    if wanted.role is not None:
        return None
    if is_narrowed:
        # Without it a plan that suits a frequent state may be kept for a rare one.
        return "newest_of_state" if first_key == "created_at" else None
    return INDEX_OF_SORT[first_key]


def _index_to_count(wanted: UserFilter) -> str | None:
    """Return the index along which accounts are counted; None where the query planner finds the right one."""
    if wanted.sought:
        return SEARCH_WORDS
    return "newest" if wanted == UserFilter() else None


def _starting_with(start: str) -> Document:
    return {SEARCH_WORDS: {"$elemMatch": {"$gte": start, "$lt": start + _LAST}}}
