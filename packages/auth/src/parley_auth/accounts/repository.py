"""Accounts in MongoDB."""

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from parley_auth.accounts.search_words import search_words
from parley_auth.authorization.scopes import TOUCH
from parley_auth.errors import DuplicateEmail
from parley_auth.indexes import SEARCH_WORDS, USERS
from parley_auth.models import ADMIN, AccountState, Credentials, User
from parley_core import Database, Document, Event, Expression, History, Session, insert_recorded, record
from parley_core.data.point_reads import PointReader

PUBLIC = dict.fromkeys(("email", "name", "role", "active", "state", "verified", "created_at"), True)
_COMPARED = {"email", "name", "role", "active"}
_CREDENTIALS = {**PUBLIC, "password_hash": True, "token_version": True, "known_networks": True}
NEXT_TOKEN_VERSION = Expression({"$add": [{"$ifNull": ["$token_version", 0]}, 1]})
REMOVED = Expression("$$REMOVE")
# Whoever is invited as an administrator can't log in yet.
_ADMINS = {"role": ADMIN, "active": True, "state": {"$ne": AccountState.INVITED}}


def state_is(user: User) -> Document:
    """Return the condition that an account is invited, or isn't, as `user` says; an older one has no state."""
    return {"$eq" if user.invited else "$ne": AccountState.INVITED}


def user_of(document: Mapping[str, Any]) -> User:
    """Return the account in a stored document, with a default for each field that an older one may lack."""
    return User(
        id=document["_id"],
        email=document["email"],
        name=document.get("name"),
        role=document["role"],
        active=document["active"],
        created_at=document["created_at"],
        invited=document.get("state") == AccountState.INVITED,
        verified=document.get("verified", False),
    )


def credentials_of(document: Mapping[str, Any]) -> Credentials:
    """Return the credentials in a stored document, with a default for each field that an older one may lack."""
    return Credentials(
        user=user_of(document),
        password_hash=document.get("password_hash"),
        token_version=document.get("token_version", 0),
        known_networks=tuple(document.get("known_networks", ())),
    )


class UserDirectory:
    """The accounts as other packages may read them, also inside a transaction of their own."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]
        self._reader = PointReader(self._users, PUBLIC)

    async def by_id(self, user_id: str, session: Session | None = None) -> User | None:
        """Return the account with this id."""
        return _found(await self._users.find_one({"_id": user_id}, PUBLIC, session=session))

    async def by_email(self, email: str) -> User | None:
        """Return the account with this normalised e-mail."""
        return _found(await self._users.find_one({"email": {"$eq": email}}, PUBLIC))

    async def by_emails(self, emails: Iterable[str], session: Session | None = None) -> dict[str, User]:
        """Return the accounts with these normalised e-mails, by e-mail."""
        found = await self._users.find({"email": {"$in": list(emails)}}, PUBLIC, session=session).to_list()
        return {document["email"]: user_of(document) for document in found}

    async def by_ids(self, user_ids: Iterable[str], session: Session | None = None) -> dict[str, User]:
        """Return the accounts with these ids, by id."""
        wanted = list(user_ids)
        if session is None and len(wanted) == 1:
            found = [document] if (document := await self._reader.read(wanted[0])) else []
        else:
            found = await self._users.find({"_id": {"$in": wanted}}, PUBLIC, session=session).to_list()
        return {document["_id"]: user_of(document) for document in found}

    async def touch_another_admin(self, user_id: str, session: Session) -> bool:
        """Touch an active administrator other than `user_id`, who then stays one until the transaction ends."""
        another = {**_ADMINS, "_id": {"$ne": user_id}}
        return (await self._users.update_one(another, TOUCH, session=session)).matched_count > 0


class UserHistory(History):
    """Reads what happened to accounts."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, USERS, kind="user")


class UserRepository(UserDirectory):
    """Reads and writes accounts; every write is recorded and has its condition in its filter."""

    async def credentials(self, where: Mapping[str, object]) -> Credentials | None:
        """Return the credentials of the account that meets `where`."""
        found = await self._users.find_one(where, _CREDENTIALS)
        return credentials_of(found) if found else None

    async def add(self, user: User, password_hash: str | None, event: Event, session: Session | None = None) -> None:
        """Store a new account; an invited one has no password.

        Raises:
            DuplicateEmail: another account has the e-mail.
        """
        document: Document = {
            "_id": user.id,
            "email": user.email,
            "name": user.name,
            SEARCH_WORDS: search_words(user.name, user.email),
            "role": user.role,
            "active": user.active,
            "state": AccountState.INVITED if user.invited else AccountState.ACTIVE,
            "verified": user.verified,
            "password_hash": password_hash,
            "token_version": 0,
            "sessions": [],
            "created_at": user.created_at,
        }
        try:
            await insert_recorded(self._users, document, event, session=session)
        except DuplicateKeyError as error:
            raise DuplicateEmail from error

    async def change(
        self,
        before: User,
        changes: Mapping[str, object],
        event: Event,
        session: Session | None = None,
    ) -> User | None:
        """Change an account.

        Returns: the account; None when role, activity, state or a field that changes is no longer what `before` says.

        Raises:
            DuplicateEmail: another account has the new e-mail.
        """
        words = changed_words(before, changes)
        # Search words are made of both, so that neither may have changed meanwhile.
        conditions = {"role", "active", *changes, *(("name", "email") if words else ())} & _COMPARED
        where = {"_id": before.id, "state": state_is(before)}
        where |= {name: {"$eq": getattr(before, name)} for name in conditions}
        if changes.get("active") is False:
            # Sessions, tokens and links from before a deactivation stay invalid after a reactivation.
            changes = {**changes, "token_version": NEXT_TOKEN_VERSION, "sessions": [], "link": REMOVED}
        if before.role == ADMIN and (changes.get("active") is False or changes.get("role", ADMIN) != ADMIN):
            changes = {**changes, "keys": []}
        if "email" in changes:
            where["verified"] = {"$eq" if before.verified else "$ne": True}
            changes = {**changes, "verified": False, "link": REMOVED}
        try:
            return _found(await record(self._users, where, {**changes, **words}, event, session=session))
        except DuplicateKeyError as error:
            raise DuplicateEmail from error

    async def end_sessions(self, user_id: str, event: Event) -> bool:
        """End every session and invalidate every access token; False when there is no such account."""
        ended = {"sessions": [], "token_version": NEXT_TOKEN_VERSION}
        return await record(self._users, {"_id": user_id}, ended, event) is not None

    async def change_password(
        self,
        credentials: Credentials,
        password_hash: str,
        event: Event,
        *,
        kept_session: str,
        session: Session | None = None,
    ) -> bool:
        """Replace the verified password, end every other session and any link; False when it has changed meanwhile."""
        where = {"_id": credentials.user.id, "password_hash": {"$eq": credentials.password_hash}}
        sessions = {"$ifNull": ["$sessions", []]}
        kept = {"$filter": {"input": sessions, "cond": {"$eq": ["$$this.id", {"$literal": kept_session}]}}}
        changes = {"password_hash": password_hash, "sessions": Expression(kept), "link": REMOVED}
        return await record(self._users, where, changes, event, session=session) is not None

    async def rehash(self, credentials: Credentials, password_hash: str) -> None:
        """Store the same password's hash with new parameters, unless the password has changed meanwhile."""
        where = {"_id": credentials.user.id, "password_hash": {"$eq": credentials.password_hash}}
        await self._users.update_one(where, {"$set": {"password_hash": password_hash}})

    async def has_admin(self) -> bool:
        """Return whether there is an active administrator who can log in."""
        return await self._users.find_one(_ADMINS, {"_id": True}) is not None


def changed_words(before: User, changes: Mapping[str, object]) -> Document:
    """Return the search words of a changed name or e-mail, as a further change."""
    if not changes.keys() & {"name", "email"}:
        return {}
    after: Mapping[str, Any] = {"name": before.name, "email": before.email, **changes}
    return {SEARCH_WORDS: search_words(after["name"], after["email"])}


def _found(document: Document | None) -> User | None:
    return user_of(document) if document else None
