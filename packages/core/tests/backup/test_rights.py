"""A user with `readWrite` on the databases and nothing else backs up, restores, and sees who else is connected."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from parley_core import StartupError
from parley_core.data.database import application_name
from parley_core.embedded import find_mongod
from parley_core.kernel.backups import Backups
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

Client = MongoClient[dict[str, Any]]
PASSWORD = "hunter2"
RIGHTS = [{"role": "readWrite", "db": name} for name in ("here", "there")]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a replica set whose user has these rights."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "data").mkdir()
    key = folder / "key"
    key.write_text(secrets.token_hex(32))
    key.chmod(0o400)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    with _mongod("--dbpath", folder / "data", "--port", host.rpartition(":")[2], "--keyFile", key):
        _initiate(host)
        with Client(host, username="root", password=PASSWORD, directConnection=True) as client:
            client.admin.command("createUser", "ada", pwd=PASSWORD, roles=RIGHTS)
        yield f"mongodb://ada:{PASSWORD}@{host}/?replicaSet=rs0"


@contextmanager
def _mongod(*options: str | Path) -> Iterator[None]:
    place = ("--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "rs0")
    process = subprocess.Popen([str(find_mongod()), *place, *map(str, options)], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(20)


def _initiate(host: str) -> None:
    with Client(host, directConnection=True, serverSelectionTimeoutMS=20_000) as client:
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": host}]})
        deadline = time.monotonic() + 60
        while not client.admin.command("hello")["isWritablePrimary"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])


def _backups(uri: str, database: str) -> Backups:
    core = CoreSettings(mongodb_uri=uri, mongodb_database=database)  # type: ignore[arg-type]
    return Backups(core, Plugins([a_plugin("safe", parley_key_files=[])]), lambda _: None)


def test_read_write_is_enough(uri: str, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    with Client(uri) as client:
        client["here"]["things"].create_index("a", name="a", unique=True)
        client["here"].create_collection("ruled", validator={"a": {"$exists": True}})
        client["here"]["ruled"].insert_one({"_id": 1, "a": 1})
        client["here"].create_collection("seen", viewOn="things", pipeline=[])
    _backups(uri, "here").make(path, with_keys=False)
    for replaces in (False, True):
        _backups(uri, "there").restore(path, replaces=replaces, revokes=True)
    with Client(uri, appname=application_name("there")) as client:
        assert client["there"]["ruled"].find_one() == {"_id": 1, "a": 1}
        with pytest.raises(StartupError, match="Parley runs on database 'there'"):
            _backups(uri, "there").restore(path, replaces=True, revokes=False)
