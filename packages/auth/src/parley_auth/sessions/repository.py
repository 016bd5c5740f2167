"""Sessions in MongoDB: embedded in their user, so that one read tells role, activity and whether a session is alive."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from parley_auth.indexes import USERS
from parley_auth.models import Credentials
from parley_auth.sessions.models import IDLE, MAX_SESSIONS, Exchange, LoginSession
from parley_auth.tokens.refresh_tokens import RefreshToken
from parley_core import Database, Document

_MAX_NETWORKS = 5


def session_of(document: Mapping[str, Any]) -> LoginSession:
    """Return the session in a stored document, with a default for each field that an older one may lack."""
    return LoginSession(
        id=document["id"],
        created_at=document["created_at"],
        used_at=document.get("used_at", document["created_at"]),
        idle_until=document["idle_until"],
        ends_at=document["ends_at"],
        network=document.get("network", ""),
        user_agent=document.get("user_agent", ""),
    )


def exchange_of(document: Mapping[str, Any]) -> Exchange:
    """Return the state of a session's refresh tokens; a session that was never refreshed has no spent one."""
    return Exchange(document["digest"], document.get("spent"), document.get("raced_until", 0))


class SessionRepository:
    """Opens, continues and ends sessions; each is one conditional update of one user."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]

    async def open(self, credentials: Credentials, session: LoginSession, digest: str) -> bool:
        """Add a session, dropping the oldest beyond ten; False when the account has changed meanwhile."""
        live = {"$filter": {"input": _stored("sessions"), "cond": _is_live(session.created_at)}}
        new = {"$literal": {**asdict(session), "digest": digest}}
        is_other = {"$ne": ["$$this", {"$literal": session.network}]}
        networks = [
            {"$filter": {"input": _stored("known_networks"), "cond": is_other}},
            [{"$literal": session.network}],
        ]
        update = [
            {
                "$set": {
                    "sessions": {"$slice": [{"$concatArrays": [live, [new]]}, -MAX_SESSIONS]},
                    "known_networks": {"$slice": [{"$concatArrays": networks}, -_MAX_NETWORKS]},
                }
            }
        ]
        where = {
            "_id": credentials.user.id,
            "active": True,
            "password_hash": {"$eq": credentials.password_hash},
            "token_version": _version(credentials.token_version),
        }
        return (await self._users.update_one(where, update)).matched_count > 0

    async def rotate(
        self, spent: RefreshToken, following: RefreshToken, now: datetime, *, raced_until: int
    ) -> int | None:
        """Exchange a session's refresh token.

        Returns: the account's token version; None when `spent` isn't the session's current token.
        """
        live = {"$gt": now}
        current = {"id": spent.session_id, "digest": spent.digest, "idle_until": live, "ends_at": live}
        exchanged = {
            "digest": following.digest,
            "used_at": now,
            "idle_until": now + IDLE,
            "spent": spent.digest,
            "raced_until": raced_until,
        }
        changed = await self._users.find_one_and_update(
            {"_id": spent.user_id, "active": True, "sessions": {"$elemMatch": current}},
            _in_session(exchanged),
            projection={"token_version": True},
        )
        return int(changed.get("token_version", 0)) if changed else None

    async def settle(self, current: RefreshToken, raced_until: int) -> None:
        """Store when an exchange is answered; a request that begins later is a reuse, not a race."""
        where = {
            "_id": current.user_id,
            "sessions": {"$elemMatch": {"id": current.session_id, "digest": current.digest}},
        }
        await self._users.update_one(where, _in_session({"raced_until": raced_until}))

    async def exchange(self, token: RefreshToken, now: datetime) -> Exchange | None:
        """Return the state of the refresh tokens of a token's session; None when the session has ended."""
        live = {"$gt": now}
        alive = {"id": token.session_id, "idle_until": live, "ends_at": live}
        where = {"_id": token.user_id, "active": True, "sessions": {"$elemMatch": alive}}
        found = await self._users.find_one(where, {"sessions.$": True})
        return exchange_of(found["sessions"][0]) if found else None

    async def live(self, user_id: str, now: datetime) -> list[LoginSession]:
        """Return the active user's sessions that haven't ended, oldest first."""
        found = await self._users.find_one({"_id": user_id, "active": True}, {"sessions": True})
        sessions = [session_of(document) for document in (found or {}).get("sessions", ())]
        return [session for session in sessions if min(session.idle_until, session.ends_at) > now]

    async def end(self, user_id: str, session_id: str) -> bool:
        """End one session; False when there is none with this id."""
        where = {"_id": user_id, "sessions.id": session_id}
        return (await self._users.update_one(where, {"$pull": {"sessions": {"id": session_id}}})).matched_count > 0

    async def end_all(self, user_id: str) -> None:
        """End every session, and invalidate every access token by raising the token version."""
        await self._users.update_one({"_id": user_id}, {"$set": {"sessions": []}, "$inc": {"token_version": 1}})


def _in_session(values: Mapping[str, object]) -> Document:
    return {"$set": {f"sessions.$.{name}": value for name, value in values.items()}}


def _is_live(now: datetime) -> Document:
    return {"$and": [{"$gt": ["$$this.idle_until", now]}, {"$gt": ["$$this.ends_at", now]}]}


def _stored(array: str) -> Document:
    return {"$ifNull": [f"${array}", []]}


def _version(token_version: int) -> object:
    # An older account has no token version, which is read as 0.
    return {"$in": [0, None]} if token_version == 0 else token_version
