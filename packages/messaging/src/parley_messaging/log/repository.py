"""The message logs in MongoDB: messages are inserted and never changed."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from parley_core import Database, Document, Session, emit, new_id
from parley_core.data.keyset import Found, Place, counting, documents_at
from parley_core.data.point_reads import PointReader
from parley_messaging.events import KIND, posted
from parley_messaging.indexes import LOGS, MESSAGES
from parley_messaging.models import UNKNOWN_TIME, Draft, Message, Window

_SHOWN = {name: True for name in Message.__dataclass_fields__ if name != "id"}


class MessageRepository:
    """Reads and appends messages."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._messages = database[MESSAGES]
        self._logs = database[LOGS]

    async def append(
        self, log_id: str, drafts: Sequence[Draft], *, at: datetime, session: Session
    ) -> Sequence[Message]:
        """Append messages with their events inside the caller's transaction, in the order of the drafts.

        The head of the log makes appends conflict with each other, so that they commit in the order of their `seq`.
        """
        if not drafts:
            return []
        first = await self._advance(log_id, len(drafts), session)
        messages = [
            Message(new_id(), log_id, seq, draft.sender_id, draft.content, at)
            for seq, draft in enumerate(drafts, first)
        ]
        await self._insert(list(map(_stored, messages, drafts)), session)
        events = {message.seq: posted(message, draft) for message, draft in zip(messages, drafts, strict=True)}
        await emit(self._database, kind=KIND, subject_id=log_id, events=events, session=session)
        return messages

    async def _insert(self, documents: Sequence[Document], session: Session) -> None:
        # Most batches have one message, for which `insert_many` does a third more.
        if len(documents) == 1:
            await self._messages.insert_one(documents[0], session=session)
        else:
            await self._messages.insert_many(documents, session=session)

    async def _advance(self, log_id: str, by: int, session: Session) -> int:
        """Move the head of a log and return the first `seq` that is now taken."""
        before = await self._logs.find_one_and_update(
            {"_id": log_id}, {"$inc": {"last_seq": by}}, upsert=True, session=session
        )
        return _last_seq(before) + 1

    async def known(
        self, log_id: str, drafts: Iterable[Draft], session: Session | None = None
    ) -> dict[Hashable, Message]:
        """Return the messages that drafts have become already, by the drafts' keys."""
        named = [draft for draft in drafts if draft.client_message_id]
        if not named:
            return {}
        where = {
            "log_id": log_id,
            "sender_id": {"$in": list({draft.sender_id for draft in named})},
            "client_message_id": {"$in": list({draft.client_message_id for draft in named})},
        }
        found = await self._messages.find(where, session=session).to_list()
        return {(document["sender_id"], document["client_message_id"]): _as_message(document) for document in found}

    async def head(self, log_id: str) -> int:
        """Return the `seq` of the log's last message; 0 when there is none."""
        return _last_seq(await self._logs.find_one({"_id": log_id}))

    async def after(self, log_id: str, seq: int, *, limit: int) -> Sequence[Message]:
        """Return the messages after a place, oldest first, `limit` at most."""
        found = self._messages.find({"log_id": log_id, "seq": {"$gt": seq}}).sort("seq", 1).limit(limit)
        return [_as_message(document) for document in await found.to_list()]

    async def within(self, log_id: str, window: Window, *, direction: int) -> Sequence[Message]:
        """Return all messages of a window, upwards (1) or downwards (-1)."""
        if not window.size:
            return []
        found = self._messages.find({"log_id": log_id, "seq": _between(window)}).sort("seq", direction)
        return [_as_message(document) for document in await found.to_list()]

    async def by_sender(
        self, log_id: str, sender_id: str, window: Window, place: Place, *, limit: int, counts: bool
    ) -> Found[Message]:
        """Return a page of what one sender wrote in a window.

        Only here an offset is counted out, along an index: one sender's messages aren't dense.

        Args:
            log_id: the log.
            sender_id: the sender.
            window: the part of the log.
            place: where in it the page begins, in the order of `seq`.
            limit: messages at most.
            counts: whether all that they wrote in the window are counted too.
        """
        if not window.size:
            return Found([], 0, None)
        where = {"log_id": log_id, "sender_id": sender_id, "seq": _between(window)}
        total = counting(self._messages, where) if counts else None
        found = await documents_at(self._messages, where, place, limit=limit, projection=_SHOWN, total=total)
        return found.showing(list(map(_as_message, found.items)))


def key_of(draft: Draft) -> Hashable:
    """Return what is equal for drafts of the same message; one without a `client_message_id` equals only itself."""
    return (draft.sender_id, draft.client_message_id) if draft.client_message_id else draft


class LogHeadReader:
    """Reads the heads of logs by coalesced point reads."""

    def __init__(self, database: Database) -> None:
        self._reader = PointReader(database[LOGS], {"last_seq": True})

    def begin(self, log_id: str) -> None:
        """Begin what `read` then returns in the same turn."""
        self._reader.begin(log_id)

    async def read(self, log_id: str) -> int:
        """Return the `seq` of the log's last message, fresh from the primary; 0 when there is none."""
        return _last_seq(await self._reader.read(log_id))


def _last_seq(log: Mapping[str, Any] | None) -> int:
    return int(log["last_seq"]) if log else 0


def _between(window: Window) -> Document:
    """Return the filter for a window that isn't empty; an empty one may hold numbers beyond MongoDB's integers."""
    return {"$gt": window.after, "$lte": window.last}


def _stored(message: Message, draft: Draft) -> Document:
    document = asdict(message)
    document["_id"] = document.pop("id")
    if draft.client_message_id:
        document["client_message_id"] = draft.client_message_id
    return document


def _as_message(document: Mapping[str, Any]) -> Message:
    """Return the message of a document, with a default for each field that it may lack."""
    return Message(
        id=document["_id"],
        log_id=document["log_id"],
        seq=document["seq"],
        sender_id=document["sender_id"],
        content=document["content"],
        created_at=document.get("created_at", UNKNOWN_TIME),
    )
