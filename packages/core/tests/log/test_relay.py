"""The relay: every event is in the log exactly once, in dense order, whatever is killed, repeated or late."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import NetworkTimeout

from parley_core import (
    Actor,
    CollectionIndexes,
    Document,
    Event,
    EventLog,
    EventType,
    Invalidation,
    LogEntry,
    LogFilter,
    Parley,
    Session,
    emit,
    in_transaction,
    insert_recorded,
    record,
)
from parley_core.data.invalidation import Generations
from parley_core.data.publication import publishing
from parley_core.data.unrelayed import Unit, Unrelayed
from parley_core.kernel.settings import CoreSettings
from parley_core.log import relay
from parley_core.log.reader import FENCE, FENCE_ID
from parley_core.log.relay import Relay
from parley_core.log.writer import LogWriter
from parley_core.testing import NOON, MovableClock, a_plugin
from parley_core.testing.metrics import Metrics

CHANGED = EventType("note.changed", "Somebody changed a note.")
LOST = EventType("letter.lost", "Somebody lost a letter, which nothing shows.")
SENT = EventType("letter.sent", "Somebody sent a letter.")
ADA = Actor("ada", "admin", "trace-7")


def an_event(kind: EventType = CHANGED, **options: Any) -> Event:
    return Event(**{"type": kind, "at": NOON, "actor": ADA, **options})


def _keys(event: Mapping[str, Any]) -> list[str]:
    return [f"{event['kind']}s of {user}" for user in event["audience"]]


@pytest.fixture
async def workers(core_settings: CoreSettings) -> AsyncIterator[list[Parley]]:
    """Three running applications on one database."""
    plugin = a_plugin(
        "notes",
        parley_events=[CHANGED, SENT, LOST],
        parley_indexes=[CollectionIndexes("notes", (), recorded=True)],
        parley_cache_invalidations=[Invalidation(on=kind.name, keys=_keys) for kind in (CHANGED, SENT)],
    )
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Parley([core_settings], plugins=[plugin]).running()) for _ in range(3)]


@pytest.fixture
def parley(workers: list[Parley]) -> Parley:
    return workers[0]


async def grown(parley: Parley, head: int) -> list[LogEntry]:
    """Return the log once it has so many entries."""
    log = parley.require(EventLog)
    async with asyncio.timeout(30):
        while await log.wait_beyond(head - 1, seconds=5) < head:
            pass
    return await log.after(0, limit=10_000)


async def waiting(parley: Parley) -> list[Document]:
    found = parley.database["notes"].find({"history.0": {"$exists": True}})
    return [*await found.to_list(), *await parley.database["outbox"].find().to_list()]


async def add(parley: Parley, note: str, **options: Any) -> None:
    await insert_recorded(parley.database["notes"], {"_id": note}, an_event(**options))


async def change(parley: Parley, note: str, **options: Any) -> None:
    assert await record(parley.database["notes"], {"_id": note}, {"n": 1}, an_event(**options))


class TestLog:
    async def test_entry(self, parley: Parley) -> None:
        """An entry says what happened to what, who did it, when, in which request, and from what to what."""
        await add(parley, "n", reason="why not", changes={"title": (None, "First")}, audience=("ada", "ben"))
        [entry] = await grown(parley, 1)
        assert entry == LogEntry(
            position=1,
            kind="note",
            subject_id="n",
            rev=1,
            type="note.changed",
            at=NOON,
            actor="ada",
            actor_role="admin",
            request_id="trace-7",
            reason="why not",
            changes={"title": {"from": None, "to": "First"}},
            audience=("ada", "ben"),
        )
        assert entry.id == "note:n:1"

    async def test_document_keeps_nothing(self, parley: Parley) -> None:
        """What is in the log is removed from the document, whose revision stays."""
        await add(parley, "n")
        await change(parley, "n")
        await parley.require(Relay).drain()
        assert await waiting(parley) == []
        assert await parley.database["notes"].find_one() == {"_id": "n", "n": 1, "rev": 2, "history": []}
        await change(parley, "n")
        assert [entry.rev for entry in await grown(parley, 3)] == [1, 2, 3]

    async def test_many_writers(self, workers: list[Parley]) -> None:
        """Of many writers on several workers every write is in the log once, dense, each document's in order."""
        for note in range(5):
            await add(workers[0], str(note))
        await asyncio.gather(*(change(workers[n % 3], str(n % 5)) for n in range(150)))
        entries = await grown(workers[1], 155)
        assert [entry.position for entry in entries] == list(range(1, 156))
        for note in range(5):
            assert [e.rev for e in entries if e.subject_id == str(note)] == list(range(1, 32))

    async def test_old_history(self, parley: Parley) -> None:
        """A history that was written before there was a log is brought into it like any other."""
        old = [_old(rev) for rev in range(1, 451)]
        await parley.database["notes"].insert_one({"_id": "n", "rev": 450, "history": old})
        entries = await grown(parley, 450)
        assert [(entry.rev, entry.actor_role) for entry in entries] == [(rev, "unknown") for rev in range(1, 451)]

    async def test_backlog_comes_last(self, parley: Parley) -> None:
        """What is written now is in the log long before a backlog has been brought there."""
        old = [{"_id": str(n), "rev": 1, "history": [_old(1)]} for n in range(5000)]
        await parley.database["notes"].insert_many(old)
        await add(parley, "new")
        log = parley.require(EventLog)
        found: list[LogEntry] = []
        while not found:
            await log.wait_beyond(await log.head(), seconds=5)
            found = await log.after(0, limit=1, where=LogFilter(subject_id="new"))
        assert found[0].position < 5001
        assert len(await grown(parley, 5001)) == 5001


def _old(rev: int) -> Document:
    return {"rev": rev, "type": CHANGED.name, "at": NOON - timedelta(days=400), "actor": "ada"}


class TestEmitting:
    async def test_with_its_transaction(self, parley: Parley) -> None:
        """Emitted events are in the log with the transaction, in one document till then, or not at all."""
        events = {rev: an_event(SENT, changes={"letter": (None, str(rev))}) for rev in (1, 2)}

        async def send(session: Session) -> int:
            await emit(parley.database, kind="mailbox", subject_id="m", events=events, session=session)
            return len(await parley.database["outbox"].find(session=session).to_list())

        async def fail(session: Session) -> None:
            await emit(parley.database, kind="mailbox", subject_id="x", events=events, session=session)
            raise LookupError

        with pytest.raises(LookupError):
            await in_transaction(parley.client, fail)
        assert await in_transaction(parley.client, send) == 1
        entries = await grown(parley, 2)
        assert [entry.id for entry in entries] == ["mailbox:m:1", "mailbox:m:2"]
        assert (entries[1].kind, entries[1].type, entries[1].changes["letter"]["to"]) == ("mailbox", "letter.sent", "2")
        await parley.require(Relay).drain()
        assert await waiting(parley) == []

    async def send(self, worker: Parley, rev: int) -> None:
        async def send(session: Session) -> None:
            event = {rev: an_event(SENT)}
            await emit(worker.database, kind="mailbox", subject_id="m", events=event, session=session)

        await in_transaction(worker.client, send)

    async def test_order_over_workers(self, workers: list[Parley]) -> None:
        """The events of one subject stay in order though each worker brings its own into the log."""
        for rev in range(1, 61):
            await self.send(workers[rev % 3], rev)
        assert [entry.rev for entry in await grown(workers[0], 60)] == list(range(1, 61))

    async def test_part_of_a_batch(self, workers: list[Parley]) -> None:
        """Of a batch of which one relay can take only the beginning, the end is in the log too."""
        parts = {1: an_event(LOST), 2: an_event(SENT, audience=("eve",))}

        async def send_both(session: Session) -> None:
            await emit(workers[0].database, kind="mailbox", subject_id="m", events=parts, session=session)
            # Nobody tells this worker's relay, as if its writer weren't done yet.
            workers[0].database.unrelayed = Unrelayed()

        await in_transaction(workers[0].client, send_both)
        await self.send(workers[1], 3)
        assert [entry.rev for entry in await grown(workers[2], 3)] == [1, 2, 3]

    async def test_long_backlog(self, parley: Parley) -> None:
        """Of one subject with many batches nothing is missed, though they are read in pieces."""
        batches = [
            {
                "_id": f"mailbox:m:{rev}",
                "subject": "mailbox:m",
                "kind": "mailbox",
                "subject_id": "m",
                "history": [{"rev": rev, "type": SENT.name, "at": NOON}],
            }
            for rev in range(1, 701)
        ]
        await parley.database["outbox"].insert_many(batches)
        await self.send(parley, 701)
        assert [entry.rev for entry in await grown(parley, 701)] == list(range(1, 702))
        await parley.require(Relay).drain()
        assert await waiting(parley) == []

    async def test_backlog_of_many(self, parley: Parley) -> None:
        """Of many subjects with more batches than one look sees, nothing is left, though nobody writes any more."""
        batches = [
            {
                "_id": f"mailbox:{subject}:{rev}",
                "subject": f"mailbox:{subject}",
                "kind": "mailbox",
                "subject_id": f"{subject}",
                "history": [{"rev": rev, "type": SENT.name, "at": NOON}],
            }
            for subject in range(10, 40)
            for rev in range(1, 41)
        ]
        await parley.database["outbox"].insert_many(batches)
        entries = await grown(parley, 1200)
        for subject in range(10, 40):
            assert [e.rev for e in entries if e.subject_id == f"{subject}"] == list(range(1, 41))

    async def test_kind_of_a_document(self, parley: Parley) -> None:
        """Events of a recorded document's kind can't be emitted: their ids would be those of its own events."""
        await add(parley, "n")

        async def send(session: Session) -> None:
            await emit(parley.database, kind="note", subject_id="n", events={1: an_event(SENT)}, session=session)

        with pytest.raises(TypeError, match="'note' belong to recorded documents"):
            await in_transaction(parley.client, send)

    async def test_undeclared(self, parley: Parley) -> None:
        """An event type that no plugin declares isn't emitted."""

        async def send(session: Session) -> None:
            event = an_event(EventType("letter.burnt", "It was burnt."))
            await emit(parley.database, kind="mailbox", subject_id="m", events={1: event}, session=session)

        with pytest.raises(TypeError, match="isn't declared"):
            await in_transaction(parley.client, send)


class TestCrashes:
    @pytest.mark.parametrize("step", ["_load", "_advance_generations", "_remove"])
    async def test_each_step_can_be_repeated(self, parley: Parley, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A relay that ends after any of its steps leaves what the next one completes; nothing is there twice."""
        relay = parley.require(Relay)
        await add(parley, "n", audience=("ada",))
        with monkeypatch.context() as crashing:
            crashing.setattr(relay, step, _failing_after(getattr(relay, step)))
            with pytest.raises(NetworkTimeout):
                await relay.drain()
        await change(parley, "n")
        await relay.drain()
        assert [(entry.position, entry.rev) for entry in await grown(parley, 2)] == [(1, 1), (2, 2)]
        assert await waiting(parley) == []

    async def test_dead_writer(self, workers: list[Parley]) -> None:
        """What a worker has written before it died is brought into the log by another, and its counters advanced."""
        entry = {"rev": 1, "type": CHANGED.name, "at": NOON, "audience": ["eve"]}
        await workers[0].database["notes"].insert_one({"_id": "n", "rev": 1, "history": [entry]})
        await grown(workers[1], 1)
        await workers[1].require(Relay).drain()
        assert await workers[2].require(Generations).current("notes of eve") >= 1

    async def test_late_write(self, workers: list[Parley]) -> None:
        """A write without an answer, which lands when its own process has stopped to look for it, is published."""
        notes, unit = workers[0].database["notes"], Unit("notes", "n")
        with pytest.raises(NetworkTimeout):
            async with publishing(workers[0].database, unit, None):
                raise NetworkTimeout("the answer was lost")
        await workers[0].require(Relay).drain()
        assert workers[0].database.unrelayed.noted() == {}
        entry = {"rev": 1, "type": CHANGED.name, "at": NOON, "audience": ["eve"]}
        await notes.insert_one({"_id": "n", "rev": 1, "history": [entry]})
        await grown(workers[0], 1)
        await workers[0].require(Relay).drain()
        assert await workers[0].require(Generations).current("notes of eve") >= 1

    async def test_behind_a_dead_writer(self, parley: Parley) -> None:
        """Who writes after a writer who died waits for nobody long."""
        entry = {"rev": 1, "type": CHANGED.name, "at": NOON, "audience": ["eve"]}
        await parley.database["notes"].insert_one({"_id": "n", "rev": 1, "history": [entry]})
        await change(parley, "n", audience=("ben",))
        assert await parley.require(Generations).current("notes of eve") == 0
        assert [entry.rev for entry in await grown(parley, 2)] == [1, 2]
        # The relay advances counters after it has added to the log.
        await parley.require(Relay).drain()
        assert await parley.require(Generations).current("notes of eve") >= 1

    async def test_living_writer(self, workers: list[Parley]) -> None:
        """What its writer has advanced isn't advanced again, so that a cached answer stays valid."""
        for number in range(20):
            await add(workers[number % 3], str(number), audience=("eve",))
            await change(workers[number % 2], str(number), audience=("eve",))
        await grown(workers[0], 40)
        async with asyncio.timeout(10):
            while await waiting(workers[0]):  # noqa: ASYNC110 - a relay removes entries last, and nothing tells when
                await asyncio.sleep(0.05)
        assert await workers[0].require(Generations).current("notes of eve") == 40


def _failing_after(step: Any) -> Any:
    async def run(*arguments: Any) -> None:
        await step(*arguments)
        raise NetworkTimeout("the process ended here")

    return run


class TestStop:
    async def test_gathers_no_longer(self, parley: Parley, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker that stops takes what it has written last into the log at once, instead of waiting for more."""
        monkeypatch.setattr(relay, "_GATHER_SECONDS", 3600)
        plugin = a_plugin(
            "notes", parley_events=[CHANGED], parley_indexes=[CollectionIndexes("notes", (), recorded=True)]
        )
        async with Parley([parley.settings(CoreSettings)], plugins=[plugin]).running() as stopping:
            await add(stopping, "a")
        assert [entry.type for entry in await parley.require(EventLog).after(0, limit=10)] == [CHANGED.name]


class TestMeasured:
    async def test_lag(self, core_settings: CoreSettings, metrics: Metrics) -> None:
        """Each event is measured once, by the clock that its writer had, whichever worker brings it into the log."""
        clock = MovableClock(NOON + timedelta(seconds=7))
        plugin = a_plugin(
            "notes", parley_events=[CHANGED], parley_indexes=[CollectionIndexes("notes", (), recorded=True)]
        )
        async with AsyncExitStack() as stack:
            first, second = [
                await stack.enter_async_context(Parley([core_settings], plugins=[plugin], clock=clock).running())
                for _ in range(2)
            ]
            for note in range(5):
                await add(first, str(note))
            await asyncio.gather(*(parley.require(Relay).drain() for parley in (first, second)))
            await grown(first, 5)
        assert metrics.value("parley.relay.lag") == 5
        assert metrics.total("parley.relay.lag") == 35

    async def test_backlog(self, workers: list[Parley], monkeypatch: pytest.MonkeyPatch, metrics: Metrics) -> None:
        """What a process has written and the log lacks is counted by that process alone, so that all add up."""
        allowed, adds = asyncio.Event(), LogWriter.add

        async def waits(*arguments: Any) -> None:
            await allowed.wait()
            await adds(*arguments)

        monkeypatch.setattr(LogWriter, "add", waits)
        assert metrics.value("parley.relay.backlog") == 0
        for number, worker in enumerate(workers[:2]):
            await add(worker, str(number))
            await change(worker, str(number))
        assert metrics.value("parley.relay.backlog") == 4
        allowed.set()
        await grown(workers[0], 4)
        for worker in workers:
            await worker.require(Relay).drain()
        assert metrics.value("parley.relay.backlog") == 0

    async def test_failures(self, parley: Parley, monkeypatch: pytest.MonkeyPatch, metrics: Metrics) -> None:
        """An outage and an event that can't be brought into the log are counted apart."""
        failed = asyncio.Event()

        async def fails(*_: object) -> None:
            failed.set()
            raise NetworkTimeout("away")

        with monkeypatch.context() as patched:
            patched.setattr(LogWriter, "add", fails)
            await add(parley, "n")
            await failed.wait()
        await grown(parley, 1)
        assert metrics.value("parley.relay.failures", cause="database") >= 1
        assert metrics.value("parley.relay.failures", cause="event") == 0
        await parley.database["notes"].insert_one({"_id": "wrong", "rev": 1, "history": [{"rev": 1}]})
        await parley.require(Relay).drain()
        assert metrics.value("parley.relay.failures", cause="event") >= 1


class TestMalformed:
    async def test_keeps_nobody_else_from_the_log(self, parley: Parley, caplog: pytest.LogCaptureFixture) -> None:
        """A document whose entry can't be read is named, and all others are in the log."""
        wrong = {"_id": "wrong", "rev": 1, "history": [{"rev": 1}]}
        await parley.database["notes"].insert_many([{"_id": "n", "rev": 1, "history": [_old(1)]}, wrong])
        assert [entry.subject_id for entry in await grown(parley, 1)] == ["n"]
        assert "events of wrong in notes can't be brought into the log" in caplog.text

    async def test_noted_and_malformed(self, parley: Parley, caplog: pytest.LogCaptureFixture) -> None:
        """A document that can't be brought into the log isn't tried again and again without a pause."""
        await parley.database["notes"].insert_one({"_id": "wrong", "rev": 1, "history": [{"rev": 1, "at": NOON}]})
        await change(parley, "wrong")
        for n in range(30):
            await add(parley, str(n))
        await grown(parley, 30)
        assert caplog.text.count("events of wrong in notes can't be brought into the log") < 5

    async def test_fence_behind_the_log(self, parley: Parley) -> None:
        """A fence that was lost, or restored from a backup, goes on where the log ends."""
        await add(parley, "n")
        await grown(parley, 1)
        await parley.database[FENCE].delete_many({})
        await change(parley, "n")
        assert [entry.position for entry in await grown(parley, 2)] == [1, 2]


class TestFailingRule:
    async def test_goes_into_the_log(self, core_settings: CoreSettings, caplog: pytest.LogCaptureFixture) -> None:
        """An event for which a plugin's rule fails is in the log, and the failure is reported."""

        def keys(event: Mapping[str, Any]) -> list[str]:
            return [event["nothing"]]

        plugin = a_plugin(
            "notes",
            parley_events=[CHANGED],
            parley_indexes=[CollectionIndexes("notes", (), recorded=True)],
            parley_cache_invalidations=[Invalidation(on=CHANGED.name, keys=keys)],
        )
        async with Parley([core_settings], plugins=[plugin]).running() as parley:
            await parley.database["notes"].insert_one({"_id": "n", "rev": 1, "history": [_old(1)]})
            await parley.require(Relay).drain()
            assert len(await grown(parley, 1)) == 1
        assert "an invalidation rule failed for event note:n:1 (note.changed)" in caplog.text


class TestFence:
    async def follow(self, workers: Sequence[Parley]) -> list[int]:
        """Let all workers write at once; return what somebody sees who meanwhile asks for what comes after the last."""
        log, followed = workers[0].require(EventLog), [0]
        writing = asyncio.gather(*(add(workers[n % 3], str(n)) for n in range(120)))
        async with asyncio.timeout(20):
            while followed[-1] < 120:
                await log.wait_beyond(followed[-1], seconds=0.2)
                followed += [entry.position for entry in await log.after(followed[-1], limit=1000)]
            await writing
        return followed[1:]

    async def test_follower_misses_nothing(self, workers: list[Parley]) -> None:
        """A follower who asks for what comes after the last position sees each once, in order."""
        assert await self.follow(workers) == list(range(1, 121))

    async def test_without_it(self, workers: list[Parley], monkeypatch: pytest.MonkeyPatch) -> None:
        """Negative control: where positions are handed out without the fence, the follower skips some."""
        numbers = itertools.count(1)

        async def reserve(_writer: LogWriter, count: int, _session: Session) -> int:
            first = next(numbers)
            for _ in range(count - 1):
                next(numbers)
            await workers[0].database[FENCE].update_one({"_id": FENCE_ID}, {"$max": {"position": first + count - 1}})
            # The first to take a number is the last to commit.
            await asyncio.sleep(0.3 if first == 1 else 0)
            return first

        monkeypatch.setattr(LogWriter, "_reserve", reserve)
        assert await self.follow(workers) != list(range(1, 121))


class TestWaiting:
    async def test_growth_elsewhere(self, workers: list[Parley]) -> None:
        """Who waits is woken by what another worker writes."""
        log = workers[0].require(EventLog)
        wait = asyncio.create_task(log.wait_beyond(0, seconds=10))
        await add(workers[2], "n")
        assert await wait == 1

    async def test_time_is_over(self, parley: Parley) -> None:
        """Who has waited long enough is told the position that they know."""
        assert await parley.require(EventLog).wait_beyond(7, seconds=0.01) == 7

    async def test_nothing_new(self, parley: Parley) -> None:
        """What is there already isn't waited for."""
        await add(parley, "n")
        await grown(parley, 1)
        async with asyncio.timeout(1):
            assert await parley.require(EventLog).wait_beyond(0, seconds=10) == 1


class TestFilters:
    @pytest.mark.parametrize(
        ("where", "found"),
        [
            pytest.param(LogFilter(), ["a", "a", "b"], id="none"),
            pytest.param(LogFilter(types=("note.changed",)), ["a", "a", "b"], id="type"),
            pytest.param(LogFilter(types=("letter.sent",)), [], id="other_type"),
            pytest.param(LogFilter(subject_id="a"), ["a", "a"], id="subject"),
            pytest.param(LogFilter(actor="ben"), ["b"], id="actor"),
            pytest.param(LogFilter(since=NOON + timedelta(hours=1)), ["a", "b"], id="since"),
            pytest.param(LogFilter(until=NOON + timedelta(hours=2)), ["a", "a"], id="until"),
            pytest.param(LogFilter(actor="ada", since=NOON + timedelta(hours=1)), ["a"], id="two"),
        ],
    )
    async def test_filter(self, parley: Parley, where: LogFilter, found: list[str]) -> None:
        """Each filter leaves what it says."""
        await add(parley, "a")
        await change(parley, "a", at=NOON + timedelta(hours=1))
        await add(parley, "b", at=NOON + timedelta(hours=2), actor=Actor("ben", "admin", "trace-8"))
        await grown(parley, 3)
        entries = await parley.require(EventLog).after(0, limit=10, where=where)
        assert [entry.subject_id for entry in entries] == found
        assert await parley.require(EventLog).after(3, limit=10, where=where) == []
