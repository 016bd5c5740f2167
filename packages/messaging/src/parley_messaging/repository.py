"""The message logs in MongoDB: messages are inserted and never touched again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from parley_core import Database, Document, Session, new_id
from parley_messaging.indexes import LOGS, MESSAGES
from parley_messaging.models import Message, Window


class MessageRepository:
    """Reads and appends messages."""

    def __init__(self, database: Database) -> None:
        self._messages = database[MESSAGES]
        self._logs = database[LOGS]

    async def append(
        self, interview_id: str, sender_id: str, content: str, *, at: datetime, session: Session
    ) -> Message:
        """Appends a message inside the caller's transaction.

        The head of the log makes appends conflict with each other, so that they commit in the order of their `seq`.
        """
        seq = await self._advance(interview_id, session)
        message = Message(new_id(), interview_id, seq, sender_id, content, at)
        await self._messages.insert_one(_stored(message), session=session)
        return message

    async def _advance(self, interview_id: str, session: Session) -> int:
        before = await self._logs.find_one_and_update(
            {"_id": interview_id}, {"$inc": {"last_seq": 1}}, upsert=True, session=session
        )
        return _last_seq(before) + 1

    async def head(self, interview_id: str) -> int:
        """The `seq` of the log's last message; 0 when there is none."""
        return _last_seq(await self._logs.find_one({"_id": interview_id}))

    async def within(self, interview_id: str, window: Window, *, direction: int) -> Sequence[Message]:
        """All messages of a window, upwards (1) or downwards (-1)."""
        if not window.size:
            return []
        found = self._messages.find({"interview_id": interview_id, "seq": _between(window)}).sort("seq", direction)
        return [_as_message(document) for document in await found.to_list()]

    async def by_sender(
        self, interview_id: str, sender_id: str, window: Window, *, direction: int, limit: int, offset: int
    ) -> tuple[Sequence[Message], int]:
        """A page of what one sender wrote in a window, and how much that is in all.

        Only here an offset is counted out, along an index: one sender's messages aren't dense.
        """
        if not window.size:
            return [], 0
        where = {"interview_id": interview_id, "sender_id": sender_id, "seq": _between(window)}
        total = await self._messages.count_documents(where)
        if offset >= total:
            return [], total
        found = self._messages.find(where).sort("seq", direction).skip(offset).limit(limit)
        return [_as_message(document) for document in await found.to_list()], total


def _last_seq(log: Mapping[str, Any] | None) -> int:
    return int(log["last_seq"]) if log else 0


def _between(window: Window) -> Document:
    """The filter for a window that isn't empty; an empty one may lie where no integer of MongoDB reaches."""
    return {"$gt": window.after, "$lte": window.last}


def _stored(message: Message) -> Document:
    document = asdict(message)
    document["_id"] = document.pop("id")
    return document


def _as_message(document: Mapping[str, Any]) -> Message:
    return Message(
        id=document["_id"],
        interview_id=document["interview_id"],
        seq=document["seq"],
        sender_id=document["sender_id"],
        content=document["content"],
        created_at=document["created_at"],
    )
