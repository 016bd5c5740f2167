"""The embedded server: what it is, what it keeps, where it listens."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from parley_core.embedded import DataDirectoryInUse, EmbeddedMongoDB, running_uri
from parley_core.errors import StartupError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMongoDB]:
    """One server for the tests that only look at it."""
    with EmbeddedMongoDB.start(tmp_path_factory.mktemp("shared") / ".parley") as server:
        yield server


def connect(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=3000)


def remember(uri: str, word: str) -> None:
    with connect(uri) as client:
        client.memory.words.insert_one({"_id": word})


def remembered(uri: str) -> set[str]:
    with connect(uri) as client:
        return {document["_id"] for document in client.memory.words.find()}


def a_script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


class TestRunning:
    def test_is_primary_and_takes_transactions(self, server: EmbeddedMongoDB) -> None:
        """A new directory's server is ready for what Parley needs when start() returns."""
        with connect(server.uri) as client, client.start_session() as session:
            session.with_transaction(lambda session: client.memory.words.insert_one({"_id": "t"}, session=session))
            assert client.admin.command("hello")["isWritablePrimary"]
            assert client.memory.words.find_one() == {"_id": "t"}

    def test_change_streams(self, server: EmbeddedMongoDB) -> None:
        """The server has an oplog to watch."""
        with connect(server.uri) as client, client.watched.words.watch() as stream:
            client.watched.words.insert_one({"_id": 1})
            assert stream.next()["fullDocument"] == {"_id": 1}

    def test_hung_transactions_end_soon(self, server: EmbeddedMongoDB) -> None:
        """A client that was killed in a transaction blocks others for 5 s, not for the default minute."""
        with connect(server.uri) as client:
            answer = client.admin.command("getParameter", transactionLifetimeLimitSeconds=1)
        assert answer["transactionLifetimeLimitSeconds"] == 5

    def test_no_port_is_open(self, server: EmbeddedMongoDB) -> None:
        """The server can't be reached over the network, not even from this machine."""
        assert not sockets_of(server.pid) & inodes("tcp", "tcp6", "udp", "udp6")

    def test_one_socket(self, server: EmbeddedMongoDB) -> None:
        """It listens inside the private directory and nowhere else; /tmp would be shared with other servers."""
        listening = Path("/proc/net/unix").read_text().splitlines()
        own = [line.split() for line in listening if line.split()[6] in sockets_of(server.pid)]
        assert {fields[7] for fields in own if len(fields) > 7} == {str(server.data_dir / "mongodb" / "mongod.sock")}

    def test_directory_is_private(self, server: EmbeddedMongoDB) -> None:
        """Nobody else can enter the directory that holds the data, the log and the socket."""
        for folder in (server.data_dir, server.data_dir / "mongodb", server.data_dir / "mongodb" / "data"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert not any(path.stat().st_mode & 0o077 for path in (server.data_dir / "mongodb").iterdir())

    def test_ctrl_c_does_not_reach_it(self, server: EmbeddedMongoDB) -> None:
        """The terminal's signals go to the application, which closes its database last."""
        assert os.getsid(server.pid) != os.getsid(0)

    def test_secrets_stay_here(self, server: EmbeddedMongoDB, monkeypatch: pytest.MonkeyPatch) -> None:
        """The application's settings are not handed to mongod."""
        environment = Path(f"/proc/{server.pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"PARLEY_" not in environment

    def test_second_start_is_refused(self, server: EmbeddedMongoDB) -> None:
        """One line names the directory and the process that holds it, and the first server goes on."""
        with pytest.raises(DataDirectoryInUse) as failure:
            EmbeddedMongoDB.start(server.data_dir)
        assert str(failure.value) == (
            f"the data directory {server.data_dir} is in use by process {os.getpid()}: "
            "stop it, or choose another --data-dir"
        )
        assert server.poll() is None
        assert running_uri(server.data_dir) == server.uri


def inodes(*tables: str) -> set[str]:
    lines = [line for table in tables for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {line.split()[9] for line in lines}


def sockets_of(pid: int) -> set[str]:
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


class TestKeeping:
    def test_data_survives_a_stop(self, tmp_path: Path) -> None:
        """What was written is there in the next run; only a new directory is announced."""
        announced: list[str] = []
        with EmbeddedMongoDB.start(tmp_path, announce=announced.append) as server:
            remember(server.uri, "kept")
        assert server.poll() == 0
        with EmbeddedMongoDB.start(tmp_path, announce=announced.append) as server:
            assert remembered(server.uri) == {"kept"}
        assert announced == [f"Setting up a new database in {tmp_path}."]

    def test_stop_again_does_nothing(self, tmp_path: Path) -> None:
        """stop() leaves no process and no socket, however often it is called."""
        server = EmbeddedMongoDB.start(tmp_path)
        server.stop()
        server.stop()
        assert not Path(f"/proc/{server.pid}").exists()
        assert not list(tmp_path.glob("**/*.sock"))
        assert running_uri(tmp_path) is None

    def test_moved_directory(self, tmp_path: Path) -> None:
        """A data directory that was moved or copied becomes primary at its new place, with its data."""
        with EmbeddedMongoDB.start(tmp_path / "old") as server:
            remember(server.uri, "moved")
        shutil.copytree(tmp_path / "old", tmp_path / "copy")
        (tmp_path / "old").rename(tmp_path / "new")
        with EmbeddedMongoDB.start(tmp_path / "new") as moved, EmbeddedMongoDB.start(tmp_path / "copy") as copy:
            assert remembered(moved.uri) == remembered(copy.uri) == {"moved"}
            remember(copy.uri, "apart")
            assert remembered(moved.uri) == {"moved"}

    def test_copy_of_a_running_directory_is_not_running(self, tmp_path: Path) -> None:
        """A copied directory's record names the original's server, which is not the copy's."""
        with EmbeddedMongoDB.start(tmp_path / "old"):
            shutil.copytree(tmp_path / "old", tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
            assert running_uri(tmp_path / "copy") is None

    def test_existing_directory_keeps_its_mode(self, tmp_path: Path) -> None:
        """A data directory that holds other things is left as it is; MongoDB's own part of it is closed."""
        tmp_path.chmod(0o755)
        (tmp_path / "mongodb").mkdir(mode=0o755)
        with EmbeddedMongoDB.start(tmp_path):
            assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
            assert stat.S_IMODE((tmp_path / "mongodb").stat().st_mode) == 0o700


class TestSocketElsewhere:
    @pytest.fixture
    def runtime(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
        (tmp_path / "run").mkdir(mode=0o700)
        return tmp_path / "run"

    @pytest.mark.parametrize("name", ["d" * 120, "with:colon,comma", "[brackets]"], ids=["deep", "colon", "brackets"])
    def test_path_that_no_socket_can_have(self, tmp_path: Path, runtime: Path, name: str) -> None:
        """Any data directory works: the socket moves to a private runtime directory, which goes with the server."""
        with EmbeddedMongoDB.start(tmp_path / name) as server:
            (folder,) = runtime.iterdir()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert running_uri(tmp_path / name) == server.uri
            remember(server.uri, "deep")
        assert not list(runtime.iterdir())

    def test_moved_to_where_the_socket_must_move(self, tmp_path: Path, runtime: Path) -> None:
        """The data follows from a short path to a long one and back."""
        with EmbeddedMongoDB.start(tmp_path / "short") as server:
            remember(server.uri, "followed")
        (tmp_path / "short").rename(tmp_path / ("d" * 120))
        with EmbeddedMongoDB.start(tmp_path / ("d" * 120)) as server:
            assert str(runtime.name) in server.uri
            assert remembered(server.uri) == {"followed"}

    def test_planted_runtime_directory(self, tmp_path: Path, runtime: Path) -> None:
        """A runtime directory that others can enter, or that is a link, is refused by name."""
        with EmbeddedMongoDB.start(tmp_path / ("d" * 120)):
            (folder,) = runtime.iterdir()
        folder.symlink_to(tmp_path)
        with pytest.raises(StartupError, match=f"{folder} is not a private directory of this user"):
            EmbeddedMongoDB.start(tmp_path / ("d" * 120))


class TestFailing:
    def test_broken_binary(self, tmp_path: Path) -> None:
        """The error carries what the binary said, where its log is, and what else can be done."""
        broken = a_script(tmp_path / "mongod", "echo 'error while loading shared libraries: libcrypto.so.3' >&2; exit 1")
        with pytest.raises(StartupError) as failure:
            EmbeddedMongoDB.start(tmp_path / "data", mongod=broken)
        message = str(failure.value)
        assert "error while loading shared libraries: libcrypto.so.3" in message
        assert f"(log: {tmp_path / 'data' / 'mongodb' / 'mongod.log'})" in message
        assert "PARLEY_MONGODB_URI" in message
        assert "\n" not in message

    def test_file_that_is_no_program(self, tmp_path: Path) -> None:
        """What can't be executed is told in the operating system's words."""
        (tmp_path / "mongod").write_bytes(b"\x00")
        with pytest.raises(StartupError, match="did not start: OSError: .*Exec format error"):
            EmbeddedMongoDB.start(tmp_path / "data", mongod=tmp_path / "mongod")

    def test_silent_binary(self, tmp_path: Path) -> None:
        """A binary that says nothing is told by its exit code, and the directory is free for another try."""
        with pytest.raises(StartupError, match="did not start: mongod ended with code 3"):
            EmbeddedMongoDB.start(tmp_path / "data", mongod=a_script(tmp_path / "mongod", "exit 3"))
        with EmbeddedMongoDB.start(tmp_path / "data") as server:
            assert server.poll() is None

    def test_damaged_data(self, tmp_path: Path) -> None:
        """mongod's own words about damaged data files reach the user."""
        with EmbeddedMongoDB.start(tmp_path):
            pass
        (tmp_path / "mongodb" / "data" / "_mdb_catalog.wt").write_bytes(b"damaged")
        with pytest.raises(StartupError, match="did not start: .*_mdb_catalog.wt"):
            EmbeddedMongoDB.start(tmp_path)

    def test_directory_that_can_not_be_made(self, tmp_path: Path) -> None:
        """A file in the way is named, as every error of the file system is."""
        (tmp_path / "file").touch()
        with pytest.raises(StartupError, match=r"the data directory .*/file/data can't be used .*Not a directory"):
            EmbeddedMongoDB.start(tmp_path / "file" / "data")
