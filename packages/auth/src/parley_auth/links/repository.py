"""Links in MongoDB: embedded in their account, so that using one is one conditional update."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from parley_auth.accounts.repository import (
    NEXT_TOKEN_VERSION,
    PUBLIC,
    REMOVED,
    changed_words,
    credentials_of,
    state_is,
    user_of,
)
from parley_auth.indexes import USERS
from parley_auth.links.models import Link, LinkedAccount, Purpose
from parley_auth.models import AccountState, Credentials, User
from parley_core import Database, Event, record

_FRESH = {
    "state": AccountState.ACTIVE,
    "link": REMOVED,
    "sessions": [],
    "token_version": NEXT_TOKEN_VERSION,
}
"""What an account is after its password was set from outside: active, without a link, a session or a valid token."""


def linked_account_of(document: Mapping[str, Any]) -> LinkedAccount:
    """Return the account and the link in a stored document; an older one has no link."""
    stored = document.get("link")
    link = Link(Purpose(stored["purpose"]), stored["digest"], stored["expires_at"]) if stored else None
    return LinkedAccount(user_of(document), link)


class LinkRepository:
    """Reads, stores and uses links; every write is recorded and has its condition in its filter."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]

    async def read(self, user_id: str) -> LinkedAccount | None:
        """Return the account with this id and its link."""
        found = await self._users.find_one({"_id": user_id}, {**PUBLIC, "link": True})
        return linked_account_of(found) if found else None

    async def store(self, user: User, link: Link, event: Event) -> bool:
        """Replace the account's link; False when the account's state is no longer what `user` says."""
        where = {"_id": user.id, "active": True, "state": state_is(user)}
        return await record(self._users, where, {"link": asdict(link)}, event) is not None

    async def use(
        self, user: User, link: Link, now: datetime, changes: Mapping[str, object], event: Event
    ) -> Credentials | None:
        """Use up a link: apply `changes`, verify the e-mail, end every session; None when it was used meanwhile."""
        where = {
            "_id": user.id,
            "active": True,
            "link.digest": {"$eq": link.digest},
            "link.expires_at": {"$gt": now},
        }
        new = {**changes, **changed_words(user, changes), **_FRESH, "verified": True}
        used = await record(self._users, where, new, event)
        return credentials_of(used) if used else None

    async def set_password(self, user: User, password_hash: str, event: Event) -> bool:
        """Set an account's password and end every session; False when its state is no longer what `user` says."""
        where = {"_id": user.id, "active": True, "state": state_is(user)}
        changes = {"password_hash": password_hash, **_FRESH}
        return await record(self._users, where, changes, event) is not None
