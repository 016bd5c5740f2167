"""`parley migrate`, and `parley serve` on data that needs it or is newer than it."""

import socket
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from parley_app.testing import Serving, Start, eventually, parley
from parley_core import new_id
from parley_core.embedded import running_uri

SECRETS = {
    "PARLEY_JWT_SECRET": "Qm8vXr4kT1pZs6Lw9bNd3Fy7Gc5Hj0aB2cD4eF6g",
    "PARLEY_WEBHOOKS_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


@pytest.fixture
def stored(serving: Serving) -> Iterator[Database[Any]]:
    """A database with a message as a release without schema numbers has stored it."""
    with MongoClient[dict[str, Any]](running_uri(serving.data_dir)) as client:
        database = client[f"test_{new_id()}"]
        database["messages"].insert_one({"_id": new_id(), "interview_id": "1", "seq": 1})
        yield database
        client.drop_database(database.name)


@pytest.fixture
def settings(serving: Serving, stored: Database[Any]) -> Mapping[str, str]:
    """What names that database and brings the secrets that it needs."""
    uri = running_uri(serving.data_dir)
    return {"PARLEY_MONGODB_URI": str(uri), "PARLEY_MONGODB_DATABASE": stored.name, **SECRETS}


def dump(database: Database[Any]) -> object:
    """Everything that is stored."""
    return {name: list(database[name].find()) for name in sorted(database.list_collection_names())}


def states(printed: str) -> list[list[str]]:
    """The plugin, the number, the phase and the state of each migration."""
    title, *rows = printed.splitlines()
    assert title.split() == ["PLUGIN", "NUMBER", "PHASE", "STATE", "NAME"]
    return [row.split()[:4] for row in rows]


def test_by_hand(settings: Mapping[str, str], stored: Database[Any]) -> None:
    """The status changes nothing; `up` needs no secret and does all, and builds the indexes."""
    before = dump(stored)
    found = parley("migrate", "status", **settings)
    assert (found.returncode, states(found.stdout)) == (1, [["messaging", "1", "expand", "missing"]])
    assert dump(stored) == before
    done = parley("migrate", "up", **{name: settings[name] for name in settings if name not in SECRETS})
    assert (done.returncode, done.stdout) == (0, "All migrations are done.\n"), done.stderr
    found = parley("migrate", "status", **settings)
    assert (found.returncode, states(found.stdout)) == (0, [["messaging", "1", "expand", "done"]])
    assert stored["messages"].count_documents({"log_id": "1", "interview_id": {"$exists": False}}) == 1
    assert "log_seq" in stored["messages"].index_information()


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.chaos)])
def test_serving_waits(settings: Mapping[str, str], start: Start, workers: str) -> None:
    """Where migrations are run by hand, a start answers 503 while one is missing, and serves as soon as it is done."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    manual = {**settings, "PARLEY_MIGRATE": "manual"}
    serving = start.unready("--port", str(port), "--workers", workers, **manual)
    eventually(lambda: "run `parley migrate up`" in serving.logged)
    eventually(lambda: answers(f"{url}/healthz") == 200)
    assert (answers(f"{url}/readyz"), answers(f"{url}/v1/interviews")) == (503, 503)
    assert parley("migrate", "up", **manual).returncode == 0
    serving.wait_until_ready()
    assert (answers(f"{url}/readyz"), answers(f"{url}/v1/interviews")) == (200, 401)


def answers(url: str) -> int | None:
    """The status that an address answers with; None while nobody listens."""
    try:
        return httpx.get(url, timeout=10).status_code
    except httpx.ConnectError:
        return None


def test_newer_data(settings: Mapping[str, str], stored: Database[Any]) -> None:
    """Neither a server nor a command works on data of a newer release; each says so in a line and stores nothing."""
    stored["schema_numbers"].insert_one({"_id": "messaging", "at": 9, "floor": 8, "done": True, "cursor": None})
    before = dump(stored)
    for command in (("serve", "--port", "0"), ("migrate", "up"), ("migrate", "status")):
        done = parley(*command, **settings)
        assert (done.returncode, done.stdout) == (1, "")
        assert "parley: plugin 'messaging': the data in database" in done.stderr
        assert "needs a release that knows number 8, and this one knows 1: start a newer release" in done.stderr
    assert "wrong  services  plugin 'messaging': the data" in parley("check", **settings).stdout
    assert dump(stored) == before
