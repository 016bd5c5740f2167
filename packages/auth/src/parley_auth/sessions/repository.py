"""Sessions in MongoDB: embedded in their user, so that one read tells role, activity and whether a session is alive."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument

from parley_auth.indexes import USERS
from parley_auth.models import Credentials
from parley_auth.sessions.models import IDLE, MAX_SESSIONS, Exchange, LoginSession, Repeatable
from parley_auth.tokens.refresh_tokens import RefreshToken
from parley_core import Database, Document, Revocation

_MAX_NETWORKS = 5
_MILLISECOND = timedelta(milliseconds=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

REVOCATION = Revocation(USERS, {"$set": {"sessions": []}, "$inc": {"token_version": 1}})
"""Ends every session of an account, and with the token version every access token."""


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
    """Return the state of a session's refresh tokens; a session that was never refreshed has no spent one.

    Args:
        document: a user with that session alone, and with the database's time as `now`.
    """
    [session] = document["sessions"]
    spent = session.get("spent")
    was_unanswered = spent is not None and session.get("unanswered") == spent
    return Exchange(
        current=session["digest"],
        spent=spent,
        spent_at=session.get("spent_at", _LONG_AGO),
        race=timedelta(milliseconds=session.get("race_ms", 0)),
        repeatable=Repeatable(
            sealed=session.get("sealed", b""),
            key_digest=session.get("key_digest"),
            unanswered_at=session.get("unanswered_at") if was_unanswered else None,
        ),
        token_version=int(document.get("token_version", 0)),
        now=document["now"],
    )


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
        self,
        spent: RefreshToken,
        following: RefreshToken,
        now: datetime,
        *,
        race: timedelta,
        sealed: bytes,
        key_digest: str | None,
    ) -> Exchange | None:
        """Exchange a session's refresh token.

        Args:
            spent: the token that is sent.
            following: the one that it is exchanged for.
            now: decides whether the session lives.
            race: how long others with `spent` have raced with this request, in whole milliseconds.
            sealed: the following one, for repeats.
            key_digest: what a repeat is recognised by.

        Returns: the state after the exchange; None when `spent` isn't the session's current token.
        """
        current = {**_alive(spent, now), "digest": spent.digest}
        exchanged = {
            "digest": following.digest,
            "used_at": now,
            "idle_until": now + IDLE,
            "spent": spent.digest,
            "race_ms": race // _MILLISECOND,
            "sealed": sealed,
            "key_digest": key_digest,
        }
        changed = await self._users.find_one_and_update(
            {"_id": spent.user_id, "active": True, "sessions": {"$elemMatch": current}},
            {"$set": _in_session(exchanged), "$currentDate": _in_session({"spent_at": True})},
            projection=_state_of(spent.session_id),
            return_document=ReturnDocument.AFTER,
        )
        return exchange_of(changed) if changed else None

    async def note_unanswered(self, token: RefreshToken) -> None:
        """Store that a request with a token was answered 503, whether it has exchanged it or may still do so."""
        states = [{"digest": token.digest}, {"spent": token.digest}]
        where = {"_id": token.user_id, "sessions": {"$elemMatch": {"id": token.session_id, "$or": states}}}
        noted = _in_session({"unanswered": token.digest})
        await self._users.update_one(where, {"$set": noted, "$currentDate": _in_session({"unanswered_at": True})})

    async def exchange(self, token: RefreshToken, now: datetime) -> Exchange | None:
        """Return the state of the refresh tokens of a token's session; None when the session has ended."""
        where = {"_id": token.user_id, "active": True, "sessions": {"$elemMatch": _alive(token, now)}}
        found = await self._users.find_one(where, _state_of(token.session_id))
        return exchange_of(found) if found else None

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
        await self._users.update_one({"_id": user_id}, REVOCATION.update)


def _in_session(values: Mapping[str, object]) -> Document:
    return {f"sessions.$.{name}": value for name, value in values.items()}


def _alive(token: RefreshToken, now: datetime) -> Document:
    return {"id": token.session_id, "idle_until": {"$gt": now}, "ends_at": {"$gt": now}}


def _state_of(session_id: str) -> Document:
    return {"token_version": True, "sessions": {"$elemMatch": {"id": session_id}}, "now": "$$NOW"}


def _is_live(now: datetime) -> Document:
    return {"$and": [{"$gt": ["$$this.idle_until", now]}, {"$gt": ["$$this.ends_at", now]}]}


def _stored(array: str) -> Document:
    return {"$ifNull": [f"${array}", []]}


def _version(token_version: int) -> object:
    # An older account has no token version, which is read as 0.
    return {"$in": [0, None]} if token_version == 0 else token_version
