"""What comes back is what was there: documents byte for byte, options, indexes, views, under any name."""

import asyncio
import datetime as dt
import json
import os
import resource
import stat
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import bson
import pytest
from bson import Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.json_util import loads
from pymongo import ASCENDING, DESCENDING, TEXT, IndexModel
from pymongo.collation import Collation

from parley_core.backup.snapshot import describe, long_window
from parley_core.data.schema_numbers import SCHEMA
from parley_core.data.stored_format import FORMAT, FORMAT_ID, NUMBER, RESTORING
from parley_core.errors import StartupError
from parley_core.testing.backups import Copier, Database, contents

INDEXES = [
    IndexModel([("a", ASCENDING), ("b", DESCENDING)], name="both", unique=True, sparse=True),
    IndexModel("c", name="partial", partialFilterExpression={"c": {"$gt": ""}}),
    IndexModel("expires_at", name="forget", expireAfterSeconds=0),
    IndexModel("d", name="folded", collation=Collation("de", strength=1)),
    IndexModel([("text", TEXT)], name="words", default_language="german", weights={"text": 3}),
    IndexModel("e.$**", name="wild"),
    IndexModel([("f", "hashed")], name="spread"),
    IndexModel("g", name="unseen", hidden=True),
]
VALUES = {
    "int": 1,
    "long": Int64(2),
    "float": 3.0,
    "decimal": Decimal128("1.50"),
    "text": "$a.b\0\N{SNOWMAN}",
    "bytes": b"\0\xff",
    "id": ObjectId(),
    "at": dt.datetime(2027, 3, 1, tzinfo=dt.UTC),
    "timestamp": Timestamp(5, 6),
    "pattern": Regex("^a", "i"),
    "none": None,
    "list": [{"$x": [True, []]}],
    "a.b": {"$c": {}},
}


async def _copied(copier: Copier) -> None:
    await copier.back_up()
    await copier.restore()


async def _fill(database: Database) -> None:
    """Fill two collections, of which the second takes a while."""
    await database["a"].insert_one({})
    await database["z"].insert_many([{"x": b"x" * 100_000} for _ in range(300)])


async def _raw(database: Database, name: str) -> bytes:
    return b"".join([batch async for batch in database[name].find_raw_batches({}).sort("_id", 1)])  # type: ignore[misc]


async def test_values(copier: Copier) -> None:
    await copier.source["things"].insert_many([{"_id": "values", **VALUES}, {"_id": 2, "z": 1, "a": 2}])
    await _copied(copier)
    assert await _raw(copier.target, "things") == await _raw(copier.source, "things")


async def test_options_and_indexes(copier: Copier) -> None:
    await copier.source["things"].create_indexes(INDEXES)
    await copier.source["things"].insert_one({"a": 1, "c": "x", "text": "Haus"})
    await copier.source.create_collection("ring", capped=True, size=4096, max=3)
    await copier.source["ring"].insert_many([{"_id": number} for number in range(5)])
    await copier.source.create_collection("folded", collation={"locale": "fr", "strength": 2})
    await copier.source["folded"].insert_one({"_id": "a"})
    await copier.source.create_collection(
        "clustered", clusteredIndex={"key": {"_id": 1}, "unique": True, "name": "by id"}
    )
    await copier.source.create_collection("seen", viewOn="things", pipeline=[{"$match": {"a": {"$gt": 0}}}])
    await copier.source.create_collection("empty")
    await _copied(copier)
    before, after = [
        {one.name: (one.kind, one.options, one.indexes) for one in await describe(database)}
        for database in (copier.source, copier.target)
    ]
    assert after == before
    assert before.keys() == {"things", "ring", "folded", "clustered", "seen", "empty"}
    assert len(before["things"][2]) == len(INDEXES) + 1
    assert await contents(copier.target) == await contents(copier.source)


async def test_time_series(copier: Copier) -> None:
    await copier.source.create_collection("measured", timeseries={"timeField": "at", "metaField": "of"})
    await copier.source["measured"].create_index([("of", 1), ("at", 1)], name="by_of")
    day = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    measured = [{"at": day + dt.timedelta(hours=n), "of": n % 2, "value": n} for n in range(50)]
    await copier.source["measured"].insert_many(measured)
    await _copied(copier)
    [there], [here] = [await describe(database) for database in (copier.source, copier.target)]
    assert (here.kind, here.options, here.indexes) == (there.kind, there.options, there.indexes)
    assert await contents(copier.target) == await contents(copier.source)


async def test_documents_older_than_a_rule(copier: Copier) -> None:
    """A collection's validator refuses no document that was there before it."""
    await copier.source["things"].insert_one({"_id": 1})
    await copier.source.command({"collMod": "things", "validator": {"a": {"$exists": True}}})
    await _copied(copier)
    assert await contents(copier.target) == {"things": [{"_id": 1}]}
    assert [one.options["validator"] for one in await describe(copier.target)] == [{"a": {"$exists": True}}]


@pytest.mark.parametrize(
    "name",
    ["a.b", "with space", "a/b", "50%", "50%25", "ä", "x" * 200, "a.metadata", "manifest"],
    ids=["dot", "space", "slash", "percent", "escaped", "umlaut", "long", "like metadata", "like ours"],
)
async def test_names(copier: Copier, name: str) -> None:
    await copier.source[name].insert_one({"_id": name})
    await _copied(copier)
    assert await contents(copier.target) == {name: [{"_id": name}]}


async def test_more_than_one_batch(copier: Copier) -> None:
    """A collection of more than 16 MB, with a document as large as MongoDB takes."""
    largest = 16 * 1024**2 - len(bson.encode({"_id": "largest", "x": b""}))
    await copier.source["things"].insert_many([{"_id": f"{n:04}", "x": b"x" * 20_000} for n in range(1000)])
    await copier.source["things"].insert_one({"_id": "largest", "x": b"y" * largest})
    manifest = await copier.back_up()
    await copier.restore()
    assert manifest.documents == {"things": 1001}
    assert manifest.files[f"{copier.source.name}/things.bson"].bytes > 36_000_000
    digests = [sha256(await _raw(database, "things")).digest() for database in (copier.source, copier.target)]
    assert digests[0] == digests[1]


class TestLayout:
    """It is mongodump's, so that mongorestore reads it once it is unpacked."""

    async def test_files(self, copier: Copier) -> None:
        await copier.source["a b"].insert_one({"_id": 1})
        await copier.source.create_collection("seen", viewOn="a b", pipeline=[])
        manifest = await copier.back_up(some_key=b"secret")
        name = copier.source.name
        with tarfile.open(copier.path) as tar:
            files = {info.name: _read(tar, info) for info in tar}
        assert list(files) == [
            f"{name}/a%20b.bson",
            f"{name}/a%20b.metadata.json",
            f"{name}/seen.metadata.json",
            "keys/some_key",
            "manifest.json",
            "seal.sha256",
        ]
        assert bson.decode_all(files[f"{name}/a%20b.bson"]) == [{"_id": 1}]
        metadata = loads(files[f"{name}/a%20b.metadata.json"])
        assert metadata == {
            "options": {},
            "indexes": [{"v": 2, "key": {"_id": 1}, "name": "_id_"}],
            "uuid": metadata["uuid"],
            "collectionName": "a b",
            "type": "collection",
        }
        assert len(uuid.UUID(metadata["uuid"]).hex) == 32
        assert loads(files[f"{name}/seen.metadata.json"])["options"] == {"viewOn": "a b", "pipeline": []}
        assert {path: (one.bytes, one.sha256) for path, one in manifest.files.items()} == {
            path: (len(content), sha256(content).hexdigest())
            for path, content in files.items()
            if path not in {"manifest.json", "seal.sha256"}
        }
        assert json.loads(files["manifest.json"]) == manifest.model_dump(mode="json")

    async def test_manifest(self, copier: Copier) -> None:
        await copier.source[FORMAT].insert_one({"_id": FORMAT_ID, "number": NUMBER})
        await copier.source[SCHEMA].insert_one({"_id": "auth", "at": 4, "floor": 3, "done": False})
        before = (await copier.source.command("hello"))["$clusterTime"]["clusterTime"]
        await copier.source["things"].insert_one({"_id": 1})
        manifest = await copier.back_up()
        assert (manifest.format, manifest.database) == (1, copier.source.name)
        assert manifest.documents == {"things": 1, FORMAT: 1, SCHEMA: 1}
        assert manifest.packages == {"core": "1.2.3"}
        assert manifest.schema_numbers == {FORMAT: NUMBER, "auth": 4}
        assert manifest.needed_numbers == {FORMAT: NUMBER, "auth": 3}
        assert Timestamp(manifest.cluster_time.t, manifest.cluster_time.i) > before
        assert manifest.server_version == (await copier.source.client.server_info())["version"]

    async def test_mode(self, copier: Copier) -> None:
        await copier.source["things"].insert_one({})
        old = os.umask(0)
        try:
            await copier.back_up()
        finally:
            os.umask(old)
        assert stat.S_IMODE(copier.path.stat().st_mode) == 0o600
        assert [path.name for path in copier.path.parent.iterdir()] == [copier.path.name]


def _read(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    assert file
    return file.read()


class TestOneInstant:
    async def test_others_write(self, copier: Copier) -> None:
        """Each writer writes to two collections at once; a backup never has one of the two alone."""
        numbers, ended = iter(range(100_000)), asyncio.Event()

        async def write() -> None:
            client = copier.source.client
            while not ended.is_set():
                number = next(numbers)
                async with client.start_session() as session, await session.start_transaction():
                    await copier.source["a"].insert_one({"_id": number}, session=session)
                    await copier.source["z"].insert_one({"_id": number}, session=session)

        for name in ("a", "z"):
            await copier.source.create_collection(name)
        writers = [asyncio.create_task(write()) for _ in range(8)]
        for round_ in range(3):
            copier.path = copier.path.with_name(f"{round_}.tar")
            await copier.back_up()
        ended.set()
        await asyncio.gather(*writers)
        seen = [_numbers_in(copier.path.with_name(f"{round_}.tar"), copier.source.name) for round_ in range(3)]
        assert [a for a, _ in seen] == [z for _, z in seen]
        assert all(a for a, _ in seen[1:])

    async def test_collections_that_come_meanwhile(self, copier: Copier) -> None:
        """What was created while a backup was made makes it begin again, so that it isn't half of it."""
        await _fill(copier.source)
        backing_up = asyncio.create_task(copier.back_up())
        await copier.has_begun.wait()
        await copier.source["b"].insert_one({"_id": 1})
        manifest = await backing_up
        assert manifest.documents == {"a": 1, "b": 1, "z": 300}

    async def test_a_server_of_ones_own_keeps_its_setting(self, copier: Copier) -> None:
        client, name = copier.source.client, "minSnapshotHistoryWindowInSeconds"
        async with long_window(client):
            assert (await client.admin.command({"getParameter": 1, name: 1}))[name] == 3600
        assert (await client.admin.command({"getParameter": 1, name: 1}))[name] == 300


def _numbers_in(path: Path, database: str) -> list[set[int]]:
    with tarfile.open(path) as tar:
        raw = [_read(tar, tar.getmember(f"{database}/{name}.bson")) for name in ("a", "z")]
    return [{document["_id"] for document in bson.decode_all(documents)} for documents in raw]


class TestRefusals:
    """A backup that can't be whole is none: nothing stays behind."""

    async def test_no_collections(self, copier: Copier) -> None:
        with pytest.raises(StartupError, match="has no collections: does PARLEY_MONGODB_DATABASE name it"):
            await copier.back_up()
        assert list(copier.path.parent.iterdir()) == []

    async def test_an_existing_file(self, copier: Copier) -> None:
        await copier.source["things"].insert_one({})
        copier.path.write_text("dear")
        with pytest.raises(StartupError, match=r"backup\.tar exists: choose another name"):
            await copier.back_up()
        assert copier.path.read_text() == "dear"

    async def test_a_file_that_comes_meanwhile(self, copier: Copier) -> None:
        await _fill(copier.source)
        backing_up = asyncio.create_task(copier.back_up())
        await copier.has_begun.wait()
        copier.path.write_text("dear")
        with pytest.raises(StartupError, match="exists"):
            await backing_up
        assert [path.read_text() for path in copier.path.parent.iterdir()] == ["dear"]

    async def test_a_dangling_link(self, copier: Copier) -> None:
        await copier.source["things"].insert_one({})
        copier.path.symlink_to(copier.path.with_name("elsewhere"))
        with pytest.raises(StartupError, match="exists"):
            await copier.back_up()

    async def test_no_folder(self, copier: Copier) -> None:
        copier.path = copier.path.parent / "nowhere" / "backup.tar"
        with pytest.raises(StartupError, match="can't be written: No such file or directory"):
            await copier.back_up()

    async def test_no_room(self, copier: Copier) -> None:
        await copier.source["things"].insert_many([{"x": b"x" * 10_000} for _ in range(100)])
        with _files_of_at_most(500_000), pytest.raises(StartupError, match="can't be written: File too large"):
            await copier.back_up()
        assert list(copier.path.parent.iterdir()) == []

    async def test_an_unfinished_restore(self, copier: Copier) -> None:
        await copier.source[FORMAT].insert_one({"_id": FORMAT_ID, "number": RESTORING})
        with pytest.raises(StartupError, match="has not finished"):
            await copier.back_up()
        assert list(copier.path.parent.iterdir()) == []

    async def test_a_cancelled_one(self, copier: Copier) -> None:
        await _fill(copier.source)
        backing_up = asyncio.create_task(copier.back_up())
        await copier.has_begun.wait()
        backing_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await backing_up
        assert list(copier.path.parent.iterdir()) == []


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
