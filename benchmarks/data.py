"""The data that all servers read: Parley's own documents, of which the peers use some fields."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from pymongo.database import Database

from parley_auth.accounts.search_words import search_words
from parley_interviews.interviews.title_words import found_by

SECRET = "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu"
BODY = b'{"items":[' + b'"0123456789abcdef",' * 30 + b'""]}'
READERS = 20
OF_EACH = 40
NOW = datetime(2027, 1, 1, tzinfo=UTC)
MESSAGES = 200_000
BATCH = 10_000
PERSON = 11


def an_id(kind: int, number: int) -> str:
    """Return an id of 24 digits."""
    return f"{kind:04x}{number:020x}"


def token(user_id: str) -> str:
    """Return a token for the peers; Parley's own tokens come from its login."""
    issued = int(datetime.now(UTC).timestamp())
    return jwt.encode({"sub": user_id, "iat": issued, "exp": issued + 86400}, SECRET, algorithm="HS256")


def fill(database: Database[dict[str, Any]], readers: Sequence[str], *, interviews: int, messages: int = 0) -> None:
    """Write interviews, with each reader in forty of them, and a log of messages in the first one."""
    batch = []
    for n in range(interviews):
        batch.append(
            stored_interview(n, readers[n % len(readers)] if n < len(readers) * OF_EACH else an_id(9, n % 100_000))
        )
        if len(batch) == BATCH or n == interviews - 1:
            database["interviews"].insert_many(batch, ordered=False)
            batch = []
    for first in range(1, messages + 1, BATCH):
        last = min(first + BATCH - 1, messages)
        database["messages"].insert_many([_message(seq, readers[0]) for seq in range(first, last + 1)], ordered=False)
    if messages:
        database["message_logs"].insert_one({"_id": an_id(2, 0), "last_seq": messages})
    # Parley counts the interviews again when it finds no totals.
    database["interview_totals"].drop()


def fill_accounts(database: Database[dict[str, Any]], number: int, *, like: str) -> None:
    """Write accounts of interviewers, who log in with the password of the account with the id `like`."""
    stored = database["users"].find_one({"_id": like}) or {}
    for first in range(0, number, BATCH):
        numbers = range(first, min(first + BATCH, number))
        batch = [stored_account(an_id(PERSON, n), n, stored["password_hash"]) for n in numbers]
        database["users"].insert_many(batch, ordered=False)


def copy_for_eve(database: Database[dict[str, Any]]) -> None:
    """Copy the interviews with ObjectIds, since Eve expects those, and create the index that its list needs."""
    database["interviews"].aggregate([{"$set": {"_id": {"$toObjectId": "$_id"}}}, {"$out": "eve_interviews"}])
    database["eve_interviews"].create_index([("participants.user_id", 1), ("created_at", -1), ("_id", -1)])


def stored_interview(number: int, member: str) -> dict[str, Any]:
    """Return the interview with this number as it is stored."""
    at = NOW + timedelta(seconds=number)
    return {
        "_id": an_id(2, number),
        "title": f"Engineer {number}",
        **found_by(f"Engineer {number}"),
        "interview_type": random.choice(("technical", "hr")),  # noqa: S311 - test data
        "description": "System design, then questions.",
        "status": "scheduled" if number % 4 else "completed",
        "scheduled_at": at,
        "duration_minutes": 60,
        "ends_at": at + timedelta(hours=1),
        "time_zone": "Europe/Berlin",
        "location": "Room 4",
        "created_by": member,
        "created_at": at,
        "updated_at": at,
        "rev": 1,
        "schedule_version": 0,
        "participants": [_participant(user_id, at) for user_id in (member, an_id(8, number % 100_000))],
        # Its events are in the log, or it was written before there was one: nothing for a relay to do.
        "history": [],
    }


def stored_account(user_id: str, number: int, password_hash: str) -> dict[str, Any]:
    """Return an interviewer's account as it is stored."""
    name, email = f"Person {number}", f"person-{number}@example.com"
    return {
        "_id": user_id,
        "email": email,
        "name": name,
        "search_words": search_words(name, email),
        "role": "interviewer",
        "active": True,
        "state": "active",
        "verified": True,
        "password_hash": password_hash,
        "token_version": 0,
        "sessions": [],
        "created_at": NOW + timedelta(seconds=number),
        "rev": 1,
        "history": [],
    }


def _participant(user_id: str, at: datetime) -> dict[str, Any]:
    return {"user_id": user_id, "participant_role": "interviewer", "added_by": user_id, "added_at": at}


def _message(seq: int, sender: str) -> dict[str, Any]:
    return {
        "_id": an_id(3, seq),
        "log_id": an_id(2, 0),
        "seq": seq,
        "sender_id": sender,
        "content": f"message {seq}: shall we begin with the cache?",
        "created_at": NOW,
    }
