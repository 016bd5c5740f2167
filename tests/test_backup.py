"""A backup under writers is consistent, and what is restored from it elsewhere is the application as it was."""

import asyncio
import itertools
import subprocess
import tarfile
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import bson
import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from life import an_interviews_life
from pymongo import MongoClient

from parley_app import create_app
from parley_app.testing import PARLEY, environment
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.backup.manifest import Manifest
from parley_core.backup.snapshot import STAGED
from parley_core.data.stored_format import FORMAT, FORMAT_ID, NUMBER, RESTORING
from parley_core.kernel.backups import Backups
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import create_interview

WRITERS = 8
Stored = Mapping[str, list[dict[str, Any]]]


def backups(core: CoreSettings) -> Backups:
    return Backups(core, Plugins(), lambda _: None)


@pytest.fixture
def elsewhere(core_settings: CoreSettings, mongodb_uri: str) -> Iterator[CoreSettings]:
    """Another database, an empty one."""
    name = f"test_{uuid.uuid4().hex[:20]}"
    yield core_settings.model_copy(update={"mongodb_database": name})
    with MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(name)


Copied = Callable[..., Awaitable[CoreSettings]]


@pytest.fixture
def copied(core_settings: CoreSettings, elsewhere: CoreSettings, tmp_path: Path) -> Copied:
    """Back the application's database up and restore it elsewhere; return where."""

    async def copied(*, revokes: bool) -> CoreSettings:
        path = tmp_path / "backup.tar"
        await asyncio.to_thread(backups(core_settings).make, path, with_keys=False)
        await asyncio.to_thread(backups(elsewhere).restore, path, replaces=False, revokes=revokes)
        return elsewhere

    return copied


def read(path: Path, manifest: Manifest) -> Stored:
    with tarfile.open(path) as tar:
        return {name: bson.decode_all(_read(tar, f"{manifest.database}/{name}.bson")) for name in manifest.documents}


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file
    return file.read()


def gaps(stored: Stored) -> Iterator[str]:
    """What doesn't fit together."""
    revisions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for entry in stored["events"]:
        revisions[entry["kind"], entry["subject_id"]].append(entry["rev"])
    for waiting in stored["outbox"]:
        revisions[waiting["kind"], waiting["subject_id"]] += [entry["rev"] for entry in waiting["history"]]
    for kind, name in (("interview", "interviews"), ("user", "users")):
        for document in stored[name]:
            found = {*revisions[kind, document["_id"]], *(entry["rev"] for entry in document["history"])}
            yield from _dense(found, document["rev"], f"history of {kind}")
    seqs: dict[str, list[int]] = defaultdict(list)
    for message in stored["messages"]:
        seqs[message["log_id"]].append(message["seq"])
    for log in stored["message_logs"]:
        yield from _dense(seqs.pop(log["_id"], ()), log["last_seq"], "messages")
        yield from _dense(set(revisions["message_log", log["_id"]]), log["last_seq"], "events of messages")
    yield from (f"messages of {log_id} without a head" for log_id in seqs)
    positions = [entry["position"] for entry in stored["events"]]
    yield from _dense(positions, stored["events_fence"][0]["position"], "the log")


def _dense(found: Any, last: int, what: str) -> Iterator[str]:
    if sorted(found) != list(range(1, last + 1)):
        yield f"{what}: {len(found)} of {last}"


@asynccontextmanager
async def writing(client: httpx.AsyncClient, app: FastAPI, admin: Account) -> AsyncIterator[asyncio.Event]:
    """Eight writers, of everything that belongs together: messages and heads, documents, histories and the log.

    Each write sets the event that is yielded.
    """
    member, ended, written = await an_account(app, "interviewer"), asyncio.Event(), asyncio.Event()
    interviews = [f"/v1/interviews/{(await create_interview(client, admin, member))['id']}" for _ in range(2)]
    numbers = itertools.count()

    async def write(writer: int) -> None:
        while not ended.is_set():
            path, number = interviews[writer % 2], next(numbers)
            if writer < 4:
                sent = client.post(f"{path}/messages", json={"content": str(number)}, headers=member.headers)
            elif writer < 6:
                sent = client.patch(path, json={"title": f"Round {number}"}, headers=admin.headers)
            elif writer == 6:
                sent = client.patch("/v1/users/me", json={"name": f"Grace {number}"}, headers=member.headers)
            else:
                body = {"title": "x", "interview_type": "y", "scheduled_at": "2027-03-05T09:30:00Z"}
                sent = client.post("/v1/interviews", json=body, headers=admin.headers)
            assert (await sent).is_success
            written.set()

    tasks = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
    try:
        yield written
    finally:
        ended.set()
        await asyncio.gather(*tasks)


def writes_in(stored: Stored) -> int:
    """How many writes a backup has, whether the relay has brought them into the log or not."""
    revs: list[int] = [document["rev"] for name in ("interviews", "users") for document in stored[name]]
    return len(stored["messages"]) + sum(revs)


@pytest.mark.attack
async def test_under_writers(
    app: FastAPI, client: httpx.AsyncClient, core_settings: CoreSettings, admin: Account, tmp_path: Path
) -> None:
    sizes: list[int] = []
    stored: Stored = {}
    async with writing(client, app, admin) as written:
        for number in range(rounds(2, full=20)):
            written.clear()
            await asyncio.wait_for(written.wait(), 30)
            path = tmp_path / f"{number}.tar"
            manifest = await asyncio.to_thread(backups(core_settings).make, path, with_keys=False)
            stored = read(path, manifest)
            assert list(gaps(stored)) == []
            assert manifest.documents == {name: len(documents) for name, documents in stored.items()}
            sizes.append(writes_in(stored))
    assert sizes == sorted(set(sizes)), "the writers wrote nothing meanwhile"
    for name in ("messages", "events", "message_logs"):
        assert list(gaps({**stored, name: stored[name][:-1]})), f"a missing document of {name} isn't seen"


async def test_restored_elsewhere(app: FastAPI, client: httpx.AsyncClient, copied: Copied, admin: Account) -> None:
    """Every list and item is answered as before, sessions go on, and the journey runs on top."""
    member = await an_account(app, "interviewer")
    interview = await create_interview(client, admin, member)
    path = f"/v1/interviews/{interview['id']}"
    for number in range(3):
        await client.post(f"{path}/messages", json={"content": str(number)}, headers=member.headers)
    await client.patch(path, json={"title": "Another"}, headers=admin.headers)

    restored = create_app([await copied(revokes=False), auth_settings()])
    async with running_client(restored) as there:
        for address in ("/v1/interviews", path, f"{path}/history", f"{path}/participants", "/v1/users"):
            before, after = [await one.get(address, headers=admin.headers) for one in (client, there)]
            assert (after.status_code, after.json()) == (200, before.json())
        posted = await there.post(f"{path}/messages", json={"content": "more"}, headers=member.headers)
        assert posted.json()["seq"] == 4
        await an_interviews_life(restored, there)


async def test_sessions_are_revoked(app: FastAPI, client: httpx.AsyncClient, copied: Copied, admin: Account) -> None:
    async with running_client(create_app([await copied(revokes=True), auth_settings()])) as there:
        answers = [await one.get("/v1/users/me", headers=admin.headers) for one in (client, there)]
    assert [(answer.status_code, answer.json().get("code")) for answer in answers] == [
        (200, None),
        (401, "invalid_token"),
    ]


def contents(uri: str, database: str) -> dict[str, list[dict[str, Any]]]:
    """What is stored, by collection, without what a killed restore has left lying."""
    with MongoClient[dict[str, Any]](uri) as client:
        names = [name for name in client[database].list_collection_names() if not name.startswith(STAGED)]
        return {name: list(client[database][name].find({}).sort("_id")) for name in sorted(names)}


def fill(uri: str, database: str, generation: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        for number in range(6):
            client[database][f"a{number}"].insert_many([{"_id": n, "of": generation} for n in range(200)])
        client[database][FORMAT].insert_one({"_id": FORMAT_ID, "number": NUMBER})


@pytest.mark.attack
def test_a_killed_restore(
    core_settings: CoreSettings, elsewhere: CoreSettings, mongodb_uri: str, tmp_path: Path
) -> None:
    """The old data is whole, or nobody takes what is there for whole; then a repeated restore goes through."""
    path, target = tmp_path / "backup.tar", elsewhere.mongodb_database
    fill(mongodb_uri, core_settings.mongodb_database, "new")
    fill(mongodb_uri, target, "old")
    old, new = contents(mongodb_uri, target), contents(mongodb_uri, core_settings.mongodb_database)
    backups(core_settings).make(path, with_keys=False)
    command = [PARLEY, "restore", "--replace", str(path)]
    settings = environment(PARLEY_MONGODB_URI=mongodb_uri, PARLEY_MONGODB_DATABASE=target)
    times = rounds(2, full=20)
    for number in range(times):
        process = subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert process.stderr
        for _ in range(1 + 7 * number // times):
            process.stderr.readline()
        process.kill()
        process.communicate()
        found = contents(mongodb_uri, target)
        is_unfinished = found.get(FORMAT) == [{"_id": FORMAT_ID, "number": RESTORING}]
        assert is_unfinished or found in (old, new)
        again = backups(elsewhere)
        again.restore(path, replaces=not is_unfinished, revokes=False)
        assert contents(mongodb_uri, target) == new
        with MongoClient[dict[str, Any]](mongodb_uri) as client:
            client.drop_database(target)
        fill(mongodb_uri, target, "old")
