"""Using the server that runs, or one of one's own."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from pymongo import MongoClient

from parley_core import StartupError
from parley_core.embedded import embedded_mongodb, running_uri

_COMMAND = """
import sys
from pathlib import Path
from pymongo import MongoClient
from parley_core.embedded import embedded_mongodb

print("ready", flush=True)
sys.stdin.readline()
with embedded_mongodb(Path(sys.argv[1])) as uri, MongoClient(uri, serverSelectionTimeoutMS=3000) as client:
    client.memory.words.insert_one({"_id": sys.argv[2]})
    print(uri, flush=True)
    sys.stdin.readline()
    assert client.memory.words.count_documents({}) == 2
"""


def test_two_commands_at_once(tmp_path: Path) -> None:
    """Both get a working server, also when the one that started it is done first."""
    commands = [a_command(tmp_path, name) for name in ("first", "second")]
    for command in commands:
        assert heard(command) == "ready"
    for command in commands:
        say(command, "go")
    assert len({heard(command) for command in commands}) == 1
    for command in commands:
        say(command, "end")
    assert [command.wait(10) for command in commands] == [0, 0]
    for command in commands:
        command.communicate()
    assert running_uri(tmp_path) is None


def a_command(data_dir: Path, name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, str(data_dir), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def say(command: "subprocess.Popen[str]", word: str) -> None:
    assert command.stdin is not None
    command.stdin.write(f"{word}\n")
    command.stdin.flush()


def heard(command: "subprocess.Popen[str]") -> str:
    assert command.stdout is not None
    return command.stdout.readline().strip()


def test_owner_waits_for_the_others(tmp_path: Path) -> None:
    """Whoever started the server stops it only when the last one who joined is done."""
    announced: list[str] = []
    owner = embedded_mongodb(tmp_path, announce=announced.append)
    uri = owner.__enter__()
    leaving = Thread(target=owner.__exit__, args=(None, None, None))
    with embedded_mongodb(tmp_path) as same, MongoClient[dict[str, object]](same) as client:
        leaving.start()
        leaving.join(0.3)
        assert leaving.is_alive()
        assert same == uri
        assert client.admin.command("ping")["ok"]
    leaving.join(10)
    assert running_uri(tmp_path) is None
    assert announced[-1] == f"Waiting for others who use the database in {tmp_path}."


def test_directory_without_a_server(tmp_path: Path) -> None:
    """Asking creates nothing."""
    assert running_uri(tmp_path / "new") is None
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("name", ["mongodb", "mongodb/server.json"])
def test_planted_server(tmp_path: Path, name: str) -> None:
    """A server that another user could have named there is neither asked nor used."""
    with embedded_mongodb(tmp_path):
        assert running_uri(tmp_path) is not None
        os.chown(tmp_path / name, 12345, -1)
        with pytest.raises(StartupError, match=rf"{name} belongs to user 12345"):
            running_uri(tmp_path)
        with pytest.raises(StartupError, match=rf"{name} belongs to user 12345"), embedded_mongodb(tmp_path):
            pass
        os.chown(tmp_path / name, 0, -1)
        assert running_uri(tmp_path) is not None
