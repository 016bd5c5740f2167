"""Accounts in MongoDB."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from parley_auth.errors import DuplicateEmail
from parley_auth.indexes import USERS
from parley_auth.models import Claims, Credentials, Principal, Role, User
from parley_core import Database, Document, Event, Expression, Session, insert_recorded, record
from parley_core.data.point_reads import PointReader
from parley_core.http.sorting import Sort

_PUBLIC = {"email": True, "name": True, "role": True, "active": True, "created_at": True}
_CREDENTIALS = {**_PUBLIC, "password_hash": True, "token_version": True, "known_networks": True}
_PRINCIPAL = {
    "role": True,
    "active": True,
    "token_version": True,
    "sessions.id": True,
    "sessions.ends_at": True,
}
_NEXT_TOKEN_VERSION = Expression({"$add": ["$token_version", 1]})


class UserDirectory:
    """What other packages may read of accounts."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]

    async def by_id(self, user_id: str, session: Session | None = None) -> User | None:
        """The account with this id."""
        return _user(await self._users.find_one({"_id": user_id}, _PUBLIC, session=session))

    async def by_email(self, email: str) -> User | None:
        """The account with this normalised e-mail."""
        return _user(await self._users.find_one({"email": {"$eq": email}}, _PUBLIC))

    async def by_emails(self, emails: Iterable[str]) -> dict[str, User]:
        """The accounts with these normalised e-mails, by e-mail."""
        found = await self._users.find({"email": {"$in": list(emails)}}, _PUBLIC).to_list()
        return {document["email"]: _as_user(document) for document in found}

    async def by_ids(self, user_ids: Iterable[str]) -> dict[str, User]:
        """The accounts with these ids, by id."""
        found = await self._users.find({"_id": {"$in": list(user_ids)}}, _PUBLIC).to_list()
        return {document["_id"]: _as_user(document) for document in found}


class UserRepository(UserDirectory):
    """Reading and writing accounts; every write is recorded and carries its condition."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._principals = PointReader(self._users, _PRINCIPAL)

    async def principal(self, claims: Claims, now: datetime) -> Principal | None:
        """The active account whose session and token version a token names; None when either has ended."""
        found = await self._principals.read(claims.user_id)
        if found is None or not found["active"] or found["token_version"] != claims.token_version:
            return None
        if not any(s["id"] == claims.session_id and s["ends_at"] > now for s in found["sessions"]):
            return None
        return Principal(claims.user_id, Role(found["role"]), claims.session_id)

    async def credentials(self, where: Mapping[str, object]) -> Credentials | None:
        """What a login to the account that meets `where` is checked against."""
        found = await self._users.find_one(where, _CREDENTIALS)
        if found is None:
            return None
        networks = tuple(found.get("known_networks", ()))
        return Credentials(_as_user(found), found["password_hash"], found["token_version"], networks)

    async def add(self, user: User, password_hash: str, event: Event, session: Session | None = None) -> None:
        """Stores a new account.

        Raises:
            DuplicateEmail: another account has its e-mail.
        """
        document: Document = {
            "_id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "active": user.active,
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
        """Changes an account whose changed fields still are what `before` says; None when they aren't."""
        where = {"_id": before.id} | {name: {"$eq": getattr(before, name)} for name in changes if name in _PUBLIC}
        if changes.get("active") is False:
            # What was logged in before the deactivation stays dead when the account is opened again.
            changes = {**changes, "token_version": _NEXT_TOKEN_VERSION, "sessions": []}
        return _user(await record(self._users, where, changes, event, session=session))

    async def change_password(
        self,
        credentials: Credentials,
        password_hash: str,
        event: Event,
        *,
        kept_session: str,
        session: Session | None = None,
    ) -> bool:
        """Replaces the password that was verified and ends every other session; False when it has changed meanwhile."""
        where = {"_id": credentials.user.id, "password_hash": {"$eq": credentials.password_hash}}
        kept = {"$filter": {"input": "$sessions", "cond": {"$eq": ["$$this.id", {"$literal": kept_session}]}}}
        changes = {"password_hash": password_hash, "sessions": Expression(kept)}
        return await record(self._users, where, changes, event, session=session) is not None

    async def rehash(self, credentials: Credentials, password_hash: str) -> None:
        """Stores the same password's hash under stronger parameters, unless the password has changed meanwhile."""
        where = {"_id": credentials.user.id, "password_hash": {"$eq": credentials.password_hash}}
        await self._users.update_one(where, {"$set": {"password_hash": password_hash}})

    async def touch_another_admin(self, user_id: str, session: Session) -> bool:
        """Touches an active administrator other than `user_id`, so that he stays one until the transaction ends."""
        another = {"role": Role.ADMIN, "active": True, "_id": {"$ne": user_id}}
        return (await self._users.update_one(another, {"$inc": {"touched": 1}}, session=session)).matched_count > 0

    async def has_admin(self) -> bool:
        """Whether there is an active administrator."""
        return await self._users.find_one({"role": Role.ADMIN, "active": True}, {"_id": True}) is not None

    async def page(
        self, where: Mapping[str, object], sort: Sort, *, limit: int, offset: int
    ) -> tuple[Sequence[User], int]:
        """Accounts that meet `where`, and how many there are in all."""
        found = self._users.find(where, _PUBLIC).sort(list(sort.keys)).skip(offset).limit(limit)
        return [_as_user(document) for document in await found.to_list()], await self._users.count_documents(where)


def _user(document: Document | None) -> User | None:
    return _as_user(document) if document else None


def _as_user(document: Mapping[str, Any]) -> User:
    return User(
        id=document["_id"],
        email=document["email"],
        name=document["name"],
        role=Role(document["role"]),
        active=document["active"],
        created_at=document["created_at"],
    )
