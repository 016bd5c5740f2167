"""MongoDB: what the start demands of it, and what requests are answered while it is away."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from parley_core import Document, Parley, ParleyDep, Router, Session, StartupError, in_transaction
from parley_core.data.failures import DatabaseAway
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

router = Router(prefix="/notes", tag="notes")


@router.get("")
async def count_notes(parley: ParleyDep) -> int:
    return await parley.database["notes"].count_documents({})


@router.post("")
async def add_note(parley: ParleyDep) -> None:
    await parley.database["notes"].insert_one({})


@router.put("")
async def touch_note(parley: ParleyDep) -> None:
    """Reads three times, as a request does, and writes in a transaction."""
    notes = parley.database["notes"]
    for _ in range(3):
        await notes.find_one({"_id": "one"})

    async def touch(session: Session) -> None:
        await notes.update_one({"_id": "one"}, {"$inc": {"touched": 1}}, upsert=True, session=session)

    await in_transaction(parley.client, touch)


PLUGIN = a_plugin("notes", parley_routers=[router])


def settings_for(uri: str, seconds: float = 5.0) -> CoreSettings:
    return CoreSettings(mongodb_uri=SecretStr(uri), mongodb_database="test", request_timeout_seconds=seconds)


async def refusal(uri: str) -> str:
    with pytest.raises(StartupError) as failure:
        async with Parley([settings_for(uri)], plugins=[PLUGIN]).running():
            pass
    assert "\n" not in str(failure.value)
    return str(failure.value)


async def absence(uri: str, reason: str) -> None:
    with pytest.raises(DatabaseAway, match=reason):
        async with Parley([settings_for(uri)], plugins=[PLUGIN]).running():
            pass


class TestStart:
    @pytest.mark.chaos
    async def test_no_primary(self, tmp_path: Path) -> None:
        """A member that takes no writes is reported at once, rather than by the first write."""
        with EmbeddedMongoDB.start(tmp_path / "data") as server:
            async with AsyncMongoClient[Document](server.uri) as admin:
                await admin.admin.command("replSetStepDown", 60, secondaryCatchUpPeriodSecs=0, force=True)
            await absence(server.uri, "the replica set .+ has no primary now")

    @pytest.mark.parametrize(
        "uri",
        ["mongodb://ada:hunter2", "mongodb://ada:hunter2@/x", "mongodb://hunter2:hunter2/"],
        ids=["no_host", "empty_host", "bad_port"],
    )
    async def test_unusable_uri(self, uri: str) -> None:
        """A URI that can't be read is refused without being repeated."""
        message = await refusal(uri)
        assert message.startswith("the MongoDB URI is not usable")
        assert "hunter" not in message


class TestConsistency:
    async def test_majority(self, core_settings: CoreSettings) -> None:
        """Acknowledged writes survive a failover and reads see them, in transactions as well."""
        async with Parley([core_settings], plugins=[PLUGIN]).running() as parley:
            assert parley.database.write_concern.document == {"w": "majority"}
            assert parley.database.read_concern.level == "majority"
            assert parley.database.codec_options.tz_aware
            assert parley.client.options.timeout == 5

    async def test_transaction_undoes(self, core_settings: CoreSettings) -> None:
        """What a failing transaction wrote was never there."""

        async def write_and_fail(session: Session) -> None:
            await notes.insert_one({}, session=session)
            raise LookupError

        async with Parley([core_settings], plugins=[PLUGIN]).running() as parley:
            notes = parley.database["notes"]
            with pytest.raises(LookupError):
                await in_transaction(parley.client, write_and_fail)
            assert await notes.count_documents({}) == 0


async def answer_in_time(client: httpx.AsyncClient, method: str = "GET", *, within: float = 9) -> None:
    """Fail unless it is answered within about five seconds; what waits anew takes twice as long."""
    started = time.monotonic()
    answer = await client.request(method, "/v1/notes")
    assert time.monotonic() - started < within
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "unavailable"
    assert answer.json()["category"] == "server"
    assert answer.headers["retry-after"] == "2"


async def recovery(client: httpx.AsyncClient) -> None:
    """Waits until each method is answered again, by the same client of the same application."""
    for method in ("GET", "POST", "PUT"):
        deadline = time.monotonic() + 20
        while (await client.request(method, "/v1/notes")).status_code != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


class TestOutage:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[EmbeddedMongoDB]:
        with EmbeddedMongoDB.start(tmp_path / "data") as server:
            yield server

    @pytest.fixture
    async def client(self, server: EmbeddedMongoDB) -> AsyncIterator[httpx.AsyncClient]:
        async with running_client(an_application([settings_for(server.uri)], [PLUGIN])) as client:
            await recovery(client)
            yield client

    async def test_frozen(self, client: httpx.AsyncClient, server: EmbeddedMongoDB) -> None:
        """A server that hangs costs a request 5 seconds in all; when it goes on, so do the requests."""
        os.kill(server.pid, signal.SIGSTOP)
        try:
            methods = ["GET", "POST", "PUT"] * 3
            await asyncio.gather(*(answer_in_time(client, method) for method in methods))
            await answer_in_time(client)
            assert (await client.get("/healthz")).status_code == 200
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await recovery(client)

    @pytest.mark.chaos
    async def test_killed(self, client: httpx.AsyncClient, server: EmbeddedMongoDB, tmp_path: Path) -> None:
        """A server that is gone is reported as soon as it isn't found, and found again when it is back."""
        os.kill(server.pid, signal.SIGKILL)
        probe = asyncio.create_task(client.get("/readyz"))
        await asyncio.gather(*(answer_in_time(client, method) for method in ("GET", "POST", "PUT")))
        assert (await probe).status_code == 503
        server.stop()
        with EmbeddedMongoDB.start(tmp_path / "data"):
            await recovery(client)
            assert (await client.get("/readyz")).status_code == 200

    async def test_without_a_primary(self, client: httpx.AsyncClient, server: EmbeddedMongoDB) -> None:
        """While no member takes writes, requests are answered 503 with a time to retry, and never 500."""
        async with AsyncMongoClient[Document](server.uri) as admin:
            await admin.admin.command("replSetStepDown", 2, secondaryCatchUpPeriodSecs=0, force=True)
        answers = [await client.post("/v1/notes") for _ in range(3)]
        assert {answer.json()["code"] for answer in answers} == {"unavailable"}
        await recovery(client)


class TestContention:
    async def test_conflict_without_end(self, core_settings: CoreSettings, mongodb_uri: str) -> None:
        """A transaction that always conflicts is given up in time, as unavailable."""
        hasty = core_settings.model_copy(update={"request_timeout_seconds": 1.0})
        async with (
            running_client(an_application([hasty], [PLUGIN])) as client,
            AsyncMongoClient[Document](mongodb_uri) as other,
            other.start_session() as session,
        ):
            assert (await client.put("/v1/notes")).status_code == 200
            notes = other[hasty.mongodb_database]["notes"]
            async with await session.start_transaction():
                await notes.update_one({"_id": "one"}, {"$inc": {"touched": 1}}, session=session)
                await answer_in_time(client, "PUT", within=1.5)
            assert (await client.put("/v1/notes")).status_code == 200


class TestOtherFailures:
    async def test_refusal_is_no_outage(self, core_settings: CoreSettings) -> None:
        """What MongoDB refuses is our mistake: 500, without a word of the driver's."""
        refusing = Router(prefix="/refusing", tag="notes")

        @refusing.get("")
        async def refuse(parley: ParleyDep) -> None:
            await parley.database.command("noSuchCommand")

        app = an_application([core_settings], [a_plugin("refusing", parley_routers=[refusing])])
        async with running_client(app) as client:
            answer = await client.get("/v1/refusing")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "noSuchCommand" not in answer.text
