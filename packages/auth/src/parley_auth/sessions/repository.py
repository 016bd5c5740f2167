"""Sessions in MongoDB: embedded in their user, so that one read says role, activity and whether a session lives."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from parley_auth.indexes import USERS
from parley_auth.models import Credentials
from parley_auth.sessions.models import IDLE, MOST, LoginSession
from parley_auth.sessions.refresh_tokens import Exchange, RefreshToken
from parley_core import Database, Document

_NETWORKS = 5
_FIELDS = tuple(LoginSession.__dataclass_fields__)


class SessionRepository:
    """Opens, continues and ends sessions; each is one conditional update of one user."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]

    async def open(self, credentials: Credentials, session: LoginSession, digest: str) -> bool:
        """Adds a session; the oldest gives way to the eleventh. False when the account has changed meanwhile."""
        live = {"$filter": {"input": "$sessions", "cond": _is_live(session.created_at)}}
        new = {"$literal": {**asdict(session), "digest": digest}}
        others = {"$filter": {"input": _known_networks(), "cond": {"$ne": ["$$this", {"$literal": session.network}]}}}
        networks = {"$concatArrays": [others, [{"$literal": session.network}]]}
        update = [
            {
                "$set": {
                    "sessions": {"$slice": [{"$concatArrays": [live, [new]]}, -MOST]},
                    "known_networks": {"$slice": [networks, -_NETWORKS]},
                }
            }
        ]
        where = {
            "_id": credentials.user.id,
            "active": True,
            "password_hash": {"$eq": credentials.password_hash},
            "token_version": credentials.token_version,
        }
        return (await self._users.update_one(where, update)).matched_count > 0

    async def rotate(
        self, spent: RefreshToken, following: RefreshToken, now: datetime, *, raced_until: int
    ) -> int | None:
        """Exchanges a session's refresh token; the account's token version, None when `spent` isn't its current one."""
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
        return changed["token_version"] if changed else None

    async def settle(self, current: RefreshToken, raced_until: int) -> None:
        """Notes, before an exchange is answered, when that was; whoever begins later has no excuse."""
        where = {
            "_id": current.user_id,
            "sessions": {"$elemMatch": {"id": current.session_id, "digest": current.digest}},
        }
        await self._users.update_one(where, _in_session({"raced_until": raced_until}))

    async def exchange(self, token: RefreshToken, now: datetime) -> Exchange | None:
        """Where a token's session stands; None when it has ended."""
        live = {"$gt": now}
        alive = {"id": token.session_id, "idle_until": live, "ends_at": live}
        where = {"_id": token.user_id, "active": True, "sessions": {"$elemMatch": alive}}
        found = await self._users.find_one(where, {"sessions.$": True})
        if found is None:
            return None
        [session] = found["sessions"]
        return Exchange(session["digest"], session.get("spent"), session.get("raced_until", 0))

    async def live(self, user_id: str, now: datetime) -> list[LoginSession]:
        """The active user's sessions that haven't ended, oldest first."""
        found = await self._users.find_one({"_id": user_id, "active": True}, {"sessions": True})
        sessions = [_session(document) for document in found["sessions"]] if found else []
        return [session for session in sessions if min(session.idle_until, session.ends_at) > now]

    async def end(self, user_id: str, session_id: str) -> bool:
        """Ends one session; False when there is none of that id."""
        where = {"_id": user_id, "sessions.id": session_id}
        return (await self._users.update_one(where, {"$pull": {"sessions": {"id": session_id}}})).matched_count > 0

    async def end_all(self, user_id: str) -> None:
        """Ends every session, and every access token with the raised token version."""
        await self._users.update_one({"_id": user_id}, {"$set": {"sessions": []}, "$inc": {"token_version": 1}})


def _in_session(values: Mapping[str, object]) -> Document:
    return {"$set": {f"sessions.$.{name}": value for name, value in values.items()}}


def _is_live(now: datetime) -> Document:
    return {"$and": [{"$gt": ["$$this.idle_until", now]}, {"$gt": ["$$this.ends_at", now]}]}


def _known_networks() -> Document:
    return {"$ifNull": ["$known_networks", []]}


def _session(document: Mapping[str, Any]) -> LoginSession:
    return LoginSession(**{name: document[name] for name in _FIELDS})
