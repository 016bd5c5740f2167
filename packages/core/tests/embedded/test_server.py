"""The embedded server: what it is, what it keeps, where it listens."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import MongoClient

from parley_core.embedded import DataDirectoryInUse, EmbeddedMongoDB, embedded_mongodb, running_uri
from parley_core.embedded.address import listening_address
from parley_core.embedded.lock import claim
from parley_core.embedded.paths import DataDirectory, locate, prepare, usable
from parley_core.errors import StartupError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMongoDB]:
    """One server for the tests that only look at it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PARLEY_SECRET", "xyzzy")
        server = EmbeddedMongoDB.start(tmp_path_factory.mktemp("shared") / ".parley")
    with server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are killed at once where the test isn't about a clean shutdown, which takes mongod a second."""
    monkeypatch.setattr("parley_core.embedded.process._SHUTDOWN_SECONDS", 0)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's, which tmp_path does not always."""
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        yield Path(folder)


@pytest.fixture
def runtime(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime directory as a login session has it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_path))
    return short_path


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
        assert answer["transactionLifetimeLimitSeconds"] == 4

    def test_no_port_is_open(self, server: EmbeddedMongoDB) -> None:
        """The server can't be reached over the network, not even from this machine."""
        assert not sockets_of(server.pid) & inodes("tcp", "tcp6", "udp", "udp6")

    def test_one_socket(self, server: EmbeddedMongoDB) -> None:
        """It listens inside the private directory and nowhere else; /tmp would be shared with other servers."""
        listening = Path("/proc/net/unix").read_text().splitlines()
        sockets = sockets_of(server.pid)
        own = [line.split() for line in listening if line.split()[6] in sockets]
        (path,) = {fields[7] for fields in own if len(fields) > 7}
        assert quote(path, safe="") in server.uri

    def test_directory_is_private(self, server: EmbeddedMongoDB) -> None:
        """Only this user can enter the directory with the data, the log and the socket."""
        for folder in (server.data_dir, server.data_dir / "mongodb", server.data_dir / "mongodb" / "data"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert not any(path.stat().st_mode & 0o077 for path in (server.data_dir / "mongodb").iterdir())

    def test_ctrl_c_does_not_reach_it(self, server: EmbeddedMongoDB) -> None:
        """The terminal's signals go to the application, which closes its database last."""
        assert os.getsid(server.pid) != os.getsid(0)

    def test_secrets_stay_here(self, server: EmbeddedMongoDB) -> None:
        """The application's settings are not handed to mongod."""
        environment = Path(f"/proc/{server.pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"PARLEY_" not in environment

    def test_second_start_is_refused(self, server: EmbeddedMongoDB) -> None:
        """One line names the directory and the process that uses it, and the first server goes on."""
        with pytest.raises(DataDirectoryInUse) as failure:
            EmbeddedMongoDB.start(server.data_dir)
        assert str(failure.value) == (
            f"the data directory {server.data_dir} is in use by process {os.getpid()}: "
            "stop it, or choose another --data-dir"
        )
        assert server.poll() is None
        assert running_uri(server.data_dir) == server.uri

    def test_commands_join_it(self, server: EmbeddedMongoDB) -> None:
        """A command uses the server that runs, and leaves it running."""
        with embedded_mongodb(server.data_dir) as uri:
            assert uri == server.uri
        assert server.poll() is None


def inodes(*tables: str) -> set[str]:
    lines = [line for table in tables for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {line.split()[9] for line in lines}


def sockets_of(pid: int) -> set[str]:
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # A running server closes files while it is looked at.
        with suppress(FileNotFoundError):
            links.append(str(descriptor.readlink()))
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


class TestKeeping:
    def test_data_survives_a_stop(self, tmp_path: Path) -> None:
        """What was written is there in the next run; stop() leaves no process and no socket, and may come twice."""
        announced: list[str] = []
        server = EmbeddedMongoDB.start(tmp_path, announce=announced.append)
        remember(server.uri, "kept")
        server.stop()
        server.stop()
        assert server.poll() == 0
        assert not list(tmp_path.glob("**/*.sock"))
        assert running_uri(tmp_path) is None
        with EmbeddedMongoDB.start(tmp_path, announce=announced.append) as server:
            assert remembered(server.uri) == {"kept"}
        assert announced == [f"Setting up a new database in {tmp_path}."]

    def test_moved_to_where_no_socket_can_be(self, tmp_path: Path, runtime: Path) -> None:
        """A moved data directory becomes primary again; the socket of a deep one is in a private runtime directory."""
        with EmbeddedMongoDB.start(tmp_path / "here") as server:
            remember(server.uri, "moved")
        deep = tmp_path / ("d" * 120)
        (tmp_path / "here").rename(deep)
        with EmbeddedMongoDB.start(deep) as server:
            (folder,) = runtime.iterdir()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert running_uri(deep) == server.uri
            assert remembered(server.uri) == {"moved"}
        assert not list(runtime.iterdir())

    @pytest.mark.usefixtures("impatient")
    def test_copied(self, tmp_path: Path) -> None:
        """A copy's replica-set configuration names the original's server, and yet the two have nothing in common."""
        original, copy = tmp_path / "original", tmp_path / "copy"
        with EmbeddedMongoDB.start(original) as server:
            remember(server.uri, "before")
        shutil.copytree(original, copy)
        with EmbeddedMongoDB.start(original) as server:
            shutil.copy(original / "mongodb" / "server.json", copy / "mongodb")
            assert running_uri(copy) is None
            with EmbeddedMongoDB.start(copy) as other:
                remember(other.uri, "after")
                assert remembered(other.uri) == {"before", "after"}
            assert remembered(server.uri) == {"before"}


class TestAddress:
    @pytest.mark.parametrize("name", ["d" * 120, "a,b", "a:b", "[a]", "a\nb"])
    def test_directory_whose_path_no_socket_fits(self, tmp_path: Path, runtime: Path, name: str) -> None:
        """For a long path, and for one that mongod would misread, the socket is elsewhere and always at one place."""
        place = locate(tmp_path / name)
        prepare(place)
        address = listening_address(place)
        assert Path(address.host).parent.parent == runtime
        assert listening_address(place) == address

    def test_unusual_directory_that_can(self, short_path: Path) -> None:
        """Spaces and letters of any language are no reason to go elsewhere; the URI carries them."""
        place = locate(short_path / "Büro 1 @50%")
        prepare(place)
        assert listening_address(place).host == str(place.home / "mongod.sock")
        assert "B%C3%BCro%201%20%4050%25%2Fmongodb%2Fmongod.sock/?" in listening_address(place).uri

    def test_planted_runtime_directory(self, tmp_path: Path, runtime: Path) -> None:
        """A runtime directory that is a link, or that others can enter, is refused by name."""
        place = locate(tmp_path / ("d" * 120))
        prepare(place)
        folder = Path(listening_address(place).host).parent
        folder.chmod(0o755)
        with pytest.raises(StartupError, match=f"{folder} is not a private directory of this user"):
            listening_address(place)
        folder.rmdir()
        folder.symlink_to(tmp_path)
        with pytest.raises(StartupError, match=f"{folder} is not a private directory of this user"):
            listening_address(place)


class TestPreparing:
    def test_existing_directory_keeps_its_mode(self, tmp_path: Path) -> None:
        """A data directory with other things in it is left as it is; MongoDB's own part of it is closed."""
        tmp_path.chmod(0o755)
        (tmp_path / "mongodb").mkdir(mode=0o755)
        prepare(locate(tmp_path))
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
        assert stat.S_IMODE((tmp_path / "mongodb").stat().st_mode) == 0o700

    def test_others_may_write(self, tmp_path: Path) -> None:
        """A directory in which others may write is refused: they could put files of theirs there."""
        tmp_path.chmod(0o775)
        with pytest.raises(StartupError, match=rf"with mode 0775.+ run: chmod go-w {tmp_path}$"):
            EmbeddedMongoDB.start(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_part_of_it_is_a_link(self, tmp_path: Path) -> None:
        """MongoDB's part can't be led elsewhere."""
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "mongodb").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StartupError, match="mongodb can't be made private"):
            prepare(locate(tmp_path))

    def test_directory_that_can_not_be_made(self, tmp_path: Path) -> None:
        """A file in the way is named, as every error of the file system is."""
        (tmp_path / "file").touch()
        with pytest.raises(StartupError, match=r"the data directory .*/file/data can't be used: .*Not a directory"):
            EmbeddedMongoDB.start(tmp_path / "file" / "data")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    @pytest.mark.parametrize(
        ("foreign", "mend"),
        [
            pytest.param("", "install -d -m 700 -o 12345 {folder}/data", id="above_it"),
            pytest.param("data", "chown 12345 {folder}/data", id="itself"),
            pytest.param("data/mongodb", "chown -R 12345 {folder}/data/mongodb", id="in_it"),
            pytest.param("data/mongodb/lock", "chown -R 12345 {folder}/data", id="a_file_in_it"),
        ],
    )
    def test_of_another_user(self, short_path: Path, foreign: str, mend: str) -> None:
        """The message names whose it is, who this process is, and the command that gives it to them."""
        place = a_directory_of(12345, short_path, but_of_root=foreign)
        with pytest.raises(StartupError) as failure, acting_as(12345):
            take(place)
        assert f"{short_path / foreign} belongs to user 0 " in str(failure.value)
        assert "this process runs as user 12345" in str(failure.value)
        assert mend.format(folder=short_path) in str(failure.value)
        assert "\n" not in str(failure.value)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_not_writable(self, tmp_path: Path) -> None:
        """A directory of this user's own that they may not write in needs another mode and no other owner."""
        tmp_path.chmod(0o500)
        with pytest.raises(StartupError, match=rf"run as root: chmod u\+rwX {tmp_path}, or choose another"):
            EmbeddedMongoDB.start(tmp_path)


def a_directory_of(user: int, folder: Path, *, but_of_root: str) -> DataDirectory:
    """A user's data directory as far as one part of it, which is root's."""
    folder.chmod(0o755)
    parts = [folder / but_of_root, *(folder / but_of_root).parents]
    for part in reversed([part for part in parts if folder in part.parents]):
        part.touch() if part.name == "lock" else part.mkdir()
        part.chmod(0o600 if part.name == "lock" else 0o700)
        os.chown(part, 0 if part == folder / but_of_root else user, -1)
    return locate(folder / "data")


def take(place: DataDirectory) -> None:
    """Do what a start does before it runs mongod, which this user may not be able to."""
    with usable(place):
        prepare(place)
        claim(place)


@contextmanager
def acting_as(user: int) -> Iterator[None]:
    """Root gives up its rights for the block."""
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


class TestFailing:
    def test_broken_binary(self, tmp_path: Path) -> None:
        """The error carries what the binary said, where its log is, and what else can be done."""
        broken = a_script(
            tmp_path / "mongod", "echo 'mongod: libcrypto.so.3: cannot open shared object file' >&2; exit 1"
        )
        with pytest.raises(StartupError) as failure:
            EmbeddedMongoDB.start(tmp_path / "data", mongod=broken)
        message = str(failure.value)
        assert "mongod: libcrypto.so.3: cannot open shared object file" in message
        assert f"(log: {tmp_path / 'data' / 'mongodb' / 'mongod.log'})" in message
        assert "PARLEY_MONGODB_URI" in message
        assert "\n" not in message

    def test_file_that_is_no_program(self, tmp_path: Path) -> None:
        """What can't be executed is reported in the operating system's words."""
        (tmp_path / "mongod").write_bytes(b"\x00")
        with pytest.raises(StartupError, match=r"did not start: OSError: .*Exec format error"):
            EmbeddedMongoDB.start(tmp_path / "data", mongod=tmp_path / "mongod")

    def test_silent_binary(self, tmp_path: Path) -> None:
        """A binary that says nothing is reported with its exit code, and the directory is free for another try."""
        silent = a_script(tmp_path / "mongod", "exit 3")
        for _ in range(2):
            with pytest.raises(StartupError, match="did not start: mongod ended with code 3"):
                EmbeddedMongoDB.start(tmp_path / "data", mongod=silent)

    def test_processor_that_is_too_old(self, tmp_path: Path) -> None:
        """A binary that the processor can't run is reported as such, where the log is empty."""
        illegal = a_script(tmp_path / "mongod", "kill -ILL $$")
        with pytest.raises(StartupError, match=r"did not start: mongod needs instructions .* such as AVX"):
            EmbeddedMongoDB.start(tmp_path / "data", mongod=illegal)

    def test_damaged_data(self, tmp_path: Path) -> None:
        """What mongod says about damaged data files reaches the user."""
        place = locate(tmp_path)
        prepare(place)
        (place.files / "WiredTiger").write_text("WiredTiger\nWiredTiger 10.0.2\n")
        (place.files / "WiredTiger.turtle").write_text("damaged")
        with pytest.raises(StartupError, match=r"did not start: .*WiredTiger.turtle"):
            EmbeddedMongoDB.start(tmp_path)
