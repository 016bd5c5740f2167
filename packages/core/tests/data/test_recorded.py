"""Recorded writes: state, revision and history change together or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from parley_core import (
    PRIVATE,
    Actor,
    CollectionIndexes,
    Database,
    Document,
    Event,
    EventType,
    Expression,
    Parley,
    Session,
    in_transaction,
    insert_all_recorded,
    insert_recorded,
    record,
)
from parley_core.data.entries import digest_of, redacted
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import NOON, a_plugin

CREATED = EventType("note.created", "Somebody wrote a note.")
CHANGED = EventType("note.changed", "Somebody changed a note.")
OTHER_KIND = EventType("letter.changed", "Somebody changed a letter.")
ADA = Actor("ada", "admin", "trace-7")


def an_event(changes: dict[str, tuple[object, object]] | None = None, **options: Any) -> Event:
    return Event(**{"type": CHANGED, "at": NOON, "actor": ADA, "changes": changes or {}, **options})


@pytest.fixture
async def parley(core_settings: CoreSettings) -> AsyncIterator[Parley]:
    collection = CollectionIndexes("notes", (), recorded=True)
    plugin = a_plugin("notes", parley_events=[CREATED, CHANGED, OTHER_KIND], parley_indexes=[collection])
    async with Parley([core_settings], plugins=[plugin]).running() as parley:
        yield parley


@pytest.fixture
async def notes(parley: Parley) -> AsyncCollection[Document]:
    """A collection with one note."""
    collection = parley.database["notes"]
    note = {"_id": "n", "title": "First", "count": 1, "secret": "hunter2"}
    await insert_recorded(collection, note, an_event(type=CREATED, audience=("ada",)))
    return collection


async def history(notes: AsyncCollection[Document]) -> list[Document]:
    """Return every entry of the note, whether it still waits in it or is in the log."""
    found = await notes.find_one({"_id": "n"})
    assert found is not None
    logged = await notes.database["events"].find({"subject_id": "n"}).sort("rev").to_list()
    entries = {entry["rev"]: entry for entry in [*logged, *found["history"]]}
    hidden = {"_id", "position", "kind", "subject_id"}
    return [
        {name: value for name, value in entry.items() if name not in hidden} for _, entry in sorted(entries.items())
    ]


class TestRecord:
    async def test_first(self, notes: AsyncCollection[Document]) -> None:
        """A new document starts at revision 1 with one entry."""
        assert await history(notes) == [
            {
                "rev": 1,
                "type": "note.created",
                "at": NOON,
                "actor": "ada",
                "actor_role": "admin",
                "request_id": "trace-7",
                "reason": None,
                "changes": {},
                "audience": ["ada"],
            }
        ]

    async def test_change(self, notes: AsyncCollection[Document]) -> None:
        """A change sets the state, raises the revision by one and appends who, when, why, from and to."""
        event = an_event({"title": ("First", "Second")}, reason="typo", audience=["ada", "ben"])
        after = await record(notes, {"_id": "n"}, {"title": "Second"}, event)
        assert after == {"_id": "n", "title": "Second", "count": 1, "secret": "hunter2", "rev": 2}
        assert (await history(notes))[1] == {
            "rev": 2,
            "type": "note.changed",
            "at": NOON,
            "actor": "ada",
            "actor_role": "admin",
            "request_id": "trace-7",
            "reason": "typo",
            "changes": {"title": {"from": "First", "to": "Second"}},
            "audience": ["ada", "ben"],
        }

    async def test_unmet_condition(self, notes: AsyncCollection[Document]) -> None:
        """Where no document meets the condition nothing changes, and nothing is made."""
        for where in ({"_id": "n", "title": "Other"}, {"_id": "m"}):
            assert await record(notes, where, {"title": "x"}, an_event()) is None
        assert len(await history(notes)) == await notes.count_documents({}) == 1

    async def test_what_mongodb_refuses(self, notes: AsyncCollection[Document]) -> None:
        """A change that can't be made fails as MongoDB says, and leaves nothing behind."""
        with pytest.raises(OperationFailure) as failure:
            await record(notes, {"_id": "n"}, {"_id": "m"}, an_event())
        assert failure.value.code == 66
        assert len(await history(notes)) == 1

    async def test_in_a_transaction(self, parley: Parley, notes: AsyncCollection[Document]) -> None:
        """In a transaction a write counts only if the transaction does."""

        async def change_and_fail(session: Session) -> None:
            assert await record(notes, {"_id": "n"}, {"title": "x"}, an_event(), session=session)
            raise LookupError

        with pytest.raises(LookupError):
            await in_transaction(parley.client, change_and_fail)
        assert len(await history(notes)) == 1

    async def test_several(self, parley: Parley, notes: AsyncCollection[Document]) -> None:
        """Several new documents are stored by one command, each at revision 1 with its own entry; none of none."""
        new = [({"_id": f"new-{n}"}, an_event(type=CREATED, reason=str(n), audience=())) for n in range(3)]
        await in_transaction(parley.client, lambda session: insert_all_recorded(notes, new, session=session))
        await in_transaction(parley.client, lambda session: insert_all_recorded(notes, [], session=session))
        await parley.require(Relay).drain()
        stored = await notes.find({"_id": {"$regex": "^new"}}).sort("_id", 1).to_list()
        assert stored == [{"_id": f"new-{n}", "rev": 1, "history": []} for n in range(3)]
        logged = (
            await parley.database["events"].find({"subject_id": {"$regex": "^new"}}).sort("subject_id", 1).to_list()
        )
        assert [(entry["rev"], entry["reason"], entry["kind"]) for entry in logged] == [
            (1, str(n), "note") for n in range(3)
        ]

    async def test_several_or_none(self, parley: Parley, notes: AsyncCollection[Document]) -> None:
        """Where one of several can't be stored, none is."""
        new = [({"_id": key}, an_event(type=CREATED, audience=())) for key in ("a", "n", "b")]
        with pytest.raises(BulkWriteError):
            await in_transaction(parley.client, lambda session: insert_all_recorded(notes, new, session=session))
        assert await notes.count_documents({}) == 1

    async def test_concurrent_writers(self, notes: AsyncCollection[Document]) -> None:
        """Of many writers none is lost, and revisions are dense and equal to the history's."""

        async def count(number: int) -> Document | None:
            more = Expression({"$add": ["$count", 1]})
            return await record(notes, {"_id": "n"}, {"count": more}, an_event(reason=str(number)))

        results = await asyncio.gather(*(count(number) for number in range(50)))
        assert sorted(result["rev"] for result in results if result) == list(range(2, 52))
        assert [entry["rev"] for entry in await history(notes)] == list(range(1, 52))
        assert {entry["reason"] for entry in (await history(notes))[1:]} == {str(number) for number in range(50)}
        assert await notes.find_one({"_id": "n"}, {"count": True, "rev": True}) == {"_id": "n", "count": 51, "rev": 51}

    async def test_optimistic_writers(self, notes: AsyncCollection[Document]) -> None:
        """Of writers that all want to follow one revision exactly one does."""
        wanted = [record(notes, {"_id": "n", "rev": 1}, {"title": str(n)}, an_event()) for n in range(20)]
        assert sum(result is not None for result in await asyncio.gather(*wanted)) == 1


class TestRefusedWrites:
    """What would change a recorded document without its invalidations, or with an event that nobody knows."""

    @pytest.mark.parametrize(
        "handle",
        [
            pytest.param(lambda database: database.with_options(), id="with_options"),
            pytest.param(lambda database: database.client[database.name], id="of_the_client"),
            pytest.param(lambda database: database.client.get_database(database.name), id="get_database"),
        ],
    )
    async def test_foreign_handle(
        self, parley: Parley, notes: AsyncCollection[Document], handle: Callable[[Any], Any]
    ) -> None:
        """Through another handle of the same database nothing is written."""
        foreign = handle(parley.database)["notes"]
        with pytest.raises(TypeError, match=r"another handle of the database.*parley\.database"):
            await record(foreign, {"_id": "n"}, {"title": "x"}, an_event())
        with pytest.raises(TypeError, match=r"collection 'notes' belongs to another handle"):
            await insert_recorded(foreign, {"_id": "m"}, an_event())
        assert len(await history(notes)) == await notes.count_documents({}) == 1

    async def test_own_handle(self, notes: AsyncCollection[Document]) -> None:
        """A collection with other options is still one of the application's database."""
        other = notes.with_options(read_concern=ReadConcern("local"))
        assert await record(other, {"_id": "n"}, {"title": "x"}, an_event())

    @pytest.mark.parametrize(
        "event_type",
        [
            pytest.param(EventType("note.changes", "Somebody changed a note."), id="name"),
            pytest.param(EventType("note.changed", "Somebody changed something else."), id="description"),
        ],
    )
    async def test_undeclared_event(self, notes: AsyncCollection[Document], event_type: EventType) -> None:
        """An event type that no plugin declares isn't recorded, not even one that resembles a declared one."""
        event = an_event(type=event_type)
        with pytest.raises(TypeError, match=rf"'{event_type.name}' isn't declared: return it from the hook parley_e"):
            await record(notes, {"_id": "n"}, {"title": "x"}, event)
        with pytest.raises(TypeError, match="isn't declared"):
            await insert_recorded(notes, {"_id": "m"}, event)
        assert len(await history(notes)) == await notes.count_documents({}) == 1

    async def test_undeclared_collection(self, parley: Parley) -> None:
        """Nothing is recorded in a collection whose events no relay would bring into the log."""
        letters = parley.database["letters"]
        for write in (
            insert_recorded(letters, {"_id": "m"}, an_event()),
            record(letters, {"_id": "m"}, {}, an_event()),
        ):
            with pytest.raises(TypeError, match=r"'letters' isn't declared as recorded.*recorded=True"):
                await write
        assert await letters.count_documents({}) == 0

    async def test_other_kind(self, notes: AsyncCollection[Document]) -> None:
        """The events of one collection are of one kind, so that a document has one history."""
        with pytest.raises(TypeError, match=r"'letter\.changed' can't be recorded in collection 'notes'.* kind 'note'"):
            await record(notes, {"_id": "n"}, {"title": "x"}, an_event(type=OTHER_KIND))
        assert len(await history(notes)) == 1

    async def test_handle_without_an_application(self, parley: Parley) -> None:
        """A database that somebody made knows no events."""
        made = Database(parley.client, parley.database.name)
        with pytest.raises(TypeError, match="isn't declared as recorded"):
            await insert_recorded(made["notes"], {"_id": "m"}, an_event())


class TestValues:
    @pytest.mark.parametrize(
        "value",
        ["$secret", "$$ROOT", "$$NOW", {"$add": [1, 1]}, ["$secret"], {"a.b": {"$literal": "$x"}}, None, "", 2**63 - 1],
        ids=str,
    )
    async def test_literal(self, notes: AsyncCollection[Document], value: object) -> None:
        """What a caller sent is stored as sent, in the state and in the history, whatever it looks like."""
        event = an_event({"title": ("First", value)}, reason=str(value), audience=["$secret"])
        after = await record(notes, {"_id": "n"}, {"title": value}, event)
        assert after is not None
        assert after["title"] == value
        entry = (await history(notes))[-1]
        assert entry["changes"] == {"title": {"from": "First", "to": value}}
        assert (entry["reason"], entry["audience"]) == (str(value), ["$secret"])

    async def test_expressions(self, notes: AsyncCollection[Document]) -> None:
        """Our own expressions see the document as it was, in the state and in the audience."""
        event = an_event(audience=Expression({"$concatArrays": [["$title"], ["ben"]]}))
        changes = {"title": "Second", "count": Expression({"$strLenCP": "$title"})}
        after = await record(notes, {"_id": "n"}, changes, event)
        assert after is not None
        assert (after["title"], after["count"]) == ("Second", 5)
        assert (await history(notes))[-1]["audience"] == ["First", "ben"]

    async def test_expression_for_a_new_document(self, notes: AsyncCollection[Document]) -> None:
        """The audience of a first event is ids: a document that isn't stored yet can't answer an expression."""
        with pytest.raises(TypeError, match="audience"):
            await insert_recorded(notes, {"_id": "m"}, an_event(audience=Expression("$title")))
        assert await notes.count_documents({}) == 1

    async def test_nested_field(self, notes: AsyncCollection[Document]) -> None:
        """A field of a field is set by its path, and its neighbours stay."""
        await record(notes, {"_id": "n"}, {"place": {"room": "1", "floor": 2}}, an_event())
        after = await record(notes, {"_id": "n"}, {"place.room": "2"}, an_event())
        assert after is not None
        assert after["place"] == {"room": "2", "floor": 2}

    async def test_private_values(self, notes: AsyncCollection[Document]) -> None:
        """Of a private value the history shows only that it changed."""
        await record(notes, {"_id": "n"}, {"secret": "hunter3"}, an_event({"secret": (PRIVATE, PRIVATE)}))
        assert (await history(notes))[-1]["changes"] == {"secret": {"from": {}, "to": {}}}
        assert "hunter" not in str(await history(notes))

    def test_long_text(self) -> None:
        """Text of more than 200 characters is kept as its length and digest, shorter text as it is."""
        text = "é" * 201
        assert redacted(text) == {"length": 201, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        assert redacted(text[:200]) == text[:200]
        assert redacted(12) == 12

    def test_digest(self) -> None:
        """A text that no event may contain has the same form, however short it is, and stays what it is."""
        digest = digest_of("é")
        assert digest == {"length": 1, "sha256": hashlib.sha256("é".encode()).hexdigest()}
        assert redacted(digest) == digest
