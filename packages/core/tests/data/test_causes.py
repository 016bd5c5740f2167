"""Why a MongoDB can't be used: each cause is named with the host and with what helps, on real servers."""

import asyncio
import datetime as dt
import gc
import ipaddress
import secrets
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pymongo import MongoClient

from parley_core import Document, StartupError
from parley_core.data.causes import Cause, Finding, cause_of, cause_of_refusal, refusal_of
from parley_core.data.database import open_client
from parley_core.data.failures import DatabaseAway, stems_from_outage
from parley_core.embedded import find_mongod

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PASSWORD = "hunter2"


@pytest.fixture(autouse=True)
def _driver_sockets() -> Iterator[None]:
    """The driver leaves sockets open on which it failed to connect; each test removes its own."""
    yield
    gc.collect()


async def refusal(uri: str, database: str = "parley") -> StartupError:
    """What the start says about a URI: one line, without a password."""
    with pytest.raises(StartupError) as failure:
        async with open_client(uri, database=database, timeout_seconds=1, pool_size=1):
            pass
    text = str(failure.value)
    assert text.startswith("MongoDB can't be used: ")
    assert "\n" not in text
    assert PASSWORD not in text
    assert stems_from_outage(failure.value) is isinstance(failure.value, DatabaseAway)
    return failure.value


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def a_mongod(folder: Path, *options: str | Path, **tls: object) -> Iterator[str]:
    """A mongod on a port of this machine; its address once it answers. `tls` is what a client needs to be answered."""
    folder.mkdir(exist_ok=True)
    (folder / "data").mkdir()
    port = free_port()
    place = ("--dbpath", folder / "data", "--bind_ip", "127.0.0.1", "--port", port, "--nounixsocket")
    command = [str(part) for part in (find_mongod(), *place, *options)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with directly(f"127.0.0.1:{port}", **tls) as client:
            client.admin.command("ping")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()  # a member would wait for others before it ends
        process.wait(20)


def directly(host: str, **options: object) -> MongoClient[Document]:
    """A client of one server, whatever that is a member of."""
    return MongoClient(host, directConnection=True, serverSelectionTimeoutMS=20_000, **options)  # type: ignore[arg-type]


def shell(host: str, script: str) -> str:
    return f"mongosh 'mongodb://{quote(host, safe=':')}/?directConnection=true' --eval '{script}'"


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with a_mongod(tmp_path_factory.mktemp("standalone")) as host:
        yield host


@pytest.fixture(scope="module")
def not_initiated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with a_mongod(tmp_path_factory.mktemp("not_initiated"), "--replSet", "rs0") as host:
        yield host


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A primary that asks for a user; one of them may read another database alone."""
    folder = tmp_path_factory.mktemp("guarded")
    key = folder / "key"
    key.write_text(secrets.token_hex(32))
    key.chmod(0o400)
    with a_mongod(folder, "--replSet", "rs0", "--auth", "--keyFile", key) as host:
        initiate(host)
        with directly(host) as client:
            roles = [{"role": "root", "db": "admin"}]
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=roles)
        with directly(host, username="root", password=PASSWORD) as client:
            client.admin.command("createUser", "ada", pwd=PASSWORD, roles=[{"role": "readWrite", "db": "other"}])
        yield host


def initiate(host: str, **options: object) -> None:
    with directly(host, **options) as client:
        quick = {"electionTimeoutMillis": 500, "heartbeatIntervalMillis": 100}
        members = [{"_id": 0, "host": host}]
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": members, "settings": quick})
    wait_until(host, lambda answer: bool(answer["isWritablePrimary"]), **options)


def wait_until(host: str, condition: Callable[[Document], bool], **options: object) -> None:
    """Return when a server says of itself what the condition asks for."""
    deadline = time.monotonic() + 60
    with directly(host, **options) as client:
        while not condition(client.admin.command("hello")):
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path_factory.mktemp("certificate") / "mongod.pem"
    private = key.private_bytes(encoding, kind, serialization.NoEncryption())
    file.write_bytes(private + signed.public_bytes(encoding))
    return file


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[str]:
    """A primary that requires TLS."""
    tls = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", certificate)
    folder = tmp_path_factory.mktemp("encrypted")
    with a_mongod(folder, "--replSet", "rs0", *tls, tls=True, tlsCAFile=str(certificate)) as host:
        initiate(host, tls=True, tlsCAFile=str(certificate))
        yield host


class TestNobodyAnswers:
    async def test_refused(self) -> None:
        """The host that refuses is named, and waiting may help; so for each of several hosts, once."""
        one, other = (f"127.0.0.1:{free_port()}" for _ in range(2))
        error = await refusal(f"mongodb://ada:{PASSWORD}@{one},{other}/?replicaSet=rs0")
        assert str(error) == (
            f"MongoDB can't be used: {one}, {other}: connection refused: "
            "start mongod there, or correct host and port in PARLEY_MONGODB_URI"
        )
        assert isinstance(error, DatabaseAway)

    async def test_unknown_name(self) -> None:
        error = await refusal(f"mongodb://ada:{PASSWORD}@db.invalid:27017/?replicaSet=rs0")
        assert "db.invalid:27017: this name does not resolve: " in str(error)
        assert isinstance(error, DatabaseAway)

    async def test_name_that_is_none(self) -> None:
        """What can't even be asked for doesn't resolve either."""
        error = await refusal(f"mongodb://{'x' * 70}.example/")
        assert ".example:27017: this name does not resolve: " in str(error)

    async def test_unknown_service(self) -> None:
        error = await refusal(f"mongodb+srv://ada:{PASSWORD}@db.invalid/?replicaSet=rs0")
        assert "used: db.invalid: DNS has no servers for this name (record _mongodb._tcp): " in str(error)

    async def test_no_socket(self, tmp_path: Path) -> None:
        path = tmp_path / "mongod.sock"
        error = await refusal(f"mongodb://{quote(str(path), safe='')}/")
        assert f"used: {path}: there is no such socket: " in str(error)

    async def test_silent(self) -> None:
        """Something takes connections and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            host = f"127.0.0.1:{server.getsockname()[1]}"
            error = await refusal(f"mongodb://{host}/")
        assert f"used: {host}: no answer in time: " in str(error)
        assert isinstance(error, DatabaseAway)

    async def test_several_causes(self, standalone: str) -> None:
        """Each host has its own; one that may come is waited for, whatever the others are."""
        refusing = f"127.0.0.1:{free_port()}"
        error = await refusal(f"mongodb://{refusing},{standalone}/?replicaSet=rs0")
        assert f"{refusing}: connection refused: " in str(error)
        assert f". Also {standalone}: this is a standalone server" in str(error)
        assert isinstance(error, DatabaseAway)


class TestReplicaSet:
    @pytest.mark.parametrize("options", ["", "?replicaSet=rs0", "?directConnection=true"])
    async def test_standalone(self, standalone: str, options: str) -> None:
        """Whatever the URI says, the cause is found; no waiting makes a replica set of it."""
        error = await refusal(f"mongodb://{standalone}/{options}")
        assert f"used: {standalone}: this is a standalone server" in str(error)
        assert str(error).endswith(f"start mongod with --replSet rs0, then run: {shell(standalone, 'rs.initiate()')}")
        assert not isinstance(error, DatabaseAway)

    @pytest.mark.parametrize("options", ["", "?replicaSet=rs0", "?directConnection=true"])
    async def test_not_initiated(self, not_initiated: str, options: str) -> None:
        """A member that has just started looks the same, so that it is waited for."""
        error = await refusal(f"mongodb://{not_initiated}/{options}")
        assert str(error) == (
            f"MongoDB can't be used: {not_initiated}: its replica set is not initiated: "
            f"run once: {shell(not_initiated, 'rs.initiate()')}"
        )
        assert isinstance(error, DatabaseAway)

    @pytest.mark.parametrize("options", ["", "&directConnection=true"])
    async def test_wrong_name(self, mongodb_uri: str, options: str) -> None:
        uri = mongodb_uri.partition("?")[0] + "?replicaSet=other" + options
        error = await refusal(uri)
        assert "it belongs to the replica set 'parley', but PARLEY_MONGODB_URI says replicaSet=other: " in str(error)
        assert str(error).endswith("write replicaSet=parley")
        assert not isinstance(error, DatabaseAway)

    @pytest.mark.chaos
    async def test_unreachable_members(self, tmp_path: Path) -> None:
        """Members that the URI doesn't name are looked at too, since without them there is no primary."""
        refusing, other = (f"127.0.0.1:{free_port()}" for _ in range(2))
        unknown = f"db.invalid:{'1' * (len(other) - len('db.invalid:'))}"
        with a_mongod(tmp_path, "--replSet", "rs0") as host:
            initiate(host)
            add_members(host, refusing, other, votes=1)
            async with rewritten(host, other.encode(), unknown.encode()) as seed:
                error = await refusal(f"mongodb://{seed}/?replicaSet=rs0")
            direct = await refusal(f"mongodb://{host}/?directConnection=true")
        assert f"used: {seed}, {host}: the replica set 'rs0' has no primary now: " in str(error)
        assert shell(seed, "rs.status()") in str(error)
        assert f". Also {refusing}: connection refused: " in str(error)
        assert f". Also {unknown}: the replica set calls a member so, and this name does not resolve here" in str(error)
        assert f"used: {host}: the replica set 'rs0' has no primary now: " in str(direct)
        assert isinstance(error, DatabaseAway)

    @pytest.mark.chaos
    async def test_secondary_alone(self, tmp_path: Path) -> None:
        """A member that takes no writes beside one that does is no standalone server: the URI has to name them all."""
        options = ("--replSet", "rs0")
        with a_mongod(tmp_path / "one", *options) as one, a_mongod(tmp_path / "two", *options) as two:
            initiate(one)
            add_members(one, two, votes=0)
            await asyncio.to_thread(wait_until, two, lambda answer: answer.get("primary") == one)
            error = await refusal(f"mongodb://{two}/?directConnection=true")
        assert f"used: {two}: this member takes no writes, since {one} is the primary" in str(error)
        assert str(error).endswith("leave directConnection out of PARLEY_MONGODB_URI, and add replicaSet=rs0")
        assert not isinstance(error, DatabaseAway)

    def test_router(self) -> None:
        """A mongos has no name of a set either, and is no standalone server."""
        assert cause_of({"isWritablePrimary": True, "msg": "isdbgrid"}) is Cause.ROUTER

    def test_recovered_meanwhile(self) -> None:
        """Where nothing is wrong any more, the same start may succeed."""
        error = refusal_of([Finding("db:1", Cause.PASSING)])
        assert str(error) == "MongoDB can't be used: db:1: it did not take writes just now: try again"
        assert isinstance(error, DatabaseAway)


def add_members(host: str, *others: str, votes: int) -> None:
    """Make others members of a server's replica set, which it has no primary without if they have votes."""
    with directly(host) as client:
        config = client.admin.command("replSetGetConfig")["config"]
        added = enumerate(others, start=1)
        config["members"] += [{"_id": n, "host": other, "priority": 0, "votes": votes} for n, other in added]
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
    wait_until(host, lambda answer: answer["isWritablePrimary"] is not bool(votes))


class TestUsers:
    async def test_wrong_password(self, guarded: str) -> None:
        error = await refusal(f"mongodb://grace:{PASSWORD}@{guarded}/?replicaSet=rs0")
        assert f"used: {guarded}: it refuses the user or the password: " in str(error)
        assert not isinstance(error, DatabaseAway)
        assert "grace" not in str(error)

    async def test_no_user(self, guarded: str) -> None:
        """A server that needs a user answers `hello` and `ping` to anybody; the start notices nevertheless."""
        error = await refusal(f"mongodb://{guarded}/?replicaSet=rs0")
        assert f"used: {guarded}: it asks for a user, and PARLEY_MONGODB_URI names none: " in str(error)
        assert "readWrite on the database 'parley'" in str(error)

    async def test_no_rights(self, guarded: str) -> None:
        error = await refusal(f"mongodb://ada:{PASSWORD}@{guarded}/?replicaSet=rs0&authSource=admin", "parley")
        assert f"used: {guarded}: the user of PARLEY_MONGODB_URI may not use the database 'parley': " in str(error)
        assert str(error).endswith("db.grantRolesToUser('USER', [{role: 'readWrite', db: 'parley'}])")

    async def test_user_with_rights(self, guarded: str) -> None:
        """The control: the same user may use the database that they have a role on."""
        uri = f"mongodb://ada:{PASSWORD}@{guarded}/?replicaSet=rs0&authSource=admin"
        async with open_client(uri, database="other", timeout_seconds=5, pool_size=1) as client:
            assert await client["other"]["notes"].find_one({}) is None

    def test_other_refusals(self) -> None:
        assert cause_of_refusal(8000, has_user=True) is Cause.NOT_ALLOWED
        error = refusal_of([Finding("db:1", Cause.NOT_ALLOWED, {"reason": "8000"})])
        assert str(error) == "MongoDB can't be used: db:1: it refuses the connection (code 8000): see its log"


class TestEncryption:
    async def test_needed(self, encrypted: str) -> None:
        error = await refusal(f"mongodb://{encrypted}/?replicaSet=rs0")
        assert f"used: {encrypted}: it closes the connection, as a mongod does that requires TLS: add tls=true" in str(
            error
        )

    async def test_untrusted(self, encrypted: str) -> None:
        error = await refusal(f"mongodb://{encrypted}/?replicaSet=rs0&tls=true")
        assert f"used: {encrypted}: its certificate is not trusted: " in str(error)
        assert not isinstance(error, DatabaseAway)

    async def test_not_spoken(self, not_initiated: str) -> None:
        error = await refusal(f"mongodb://{not_initiated}/?replicaSet=rs0&tls=true")
        assert f"used: {not_initiated}: the TLS handshake fails: leave tls=true out" in str(error)

    async def test_trusted(self, encrypted: str, certificate: Path) -> None:
        """The control."""
        uri = f"mongodb://{encrypted}/?replicaSet=rs0&tls=true&tlsCAFile={quote(str(certificate))}"
        async with open_client(uri, database="parley", timeout_seconds=5, pool_size=1):
            pass

    async def test_looked_at_with_tls(self, encrypted: str, certificate: Path) -> None:
        """What else is wrong is found behind TLS too."""
        uri = f"mongodb://{encrypted}/?replicaSet=other&tls=true&tlsCAFile={quote(str(certificate))}"
        assert "says replicaSet=other: write replicaSet=rs0" in str(await refusal(uri))


async def test_too_old(standalone: str) -> None:
    """A server whose protocol the driver has left behind, by what it says of itself."""
    version = b"\x10maxWireVersion\x00"
    async with rewritten(standalone, version + b"\x11", version + b"\x06") as host:
        error = await refusal(f"mongodb://{host}/?directConnection=true")
    assert f"used: {host}: this MongoDB is older than the driver supports (" in str(error)
    assert "Parley is tested on MongoDB 6.0" in str(error)
    assert not isinstance(error, DatabaseAway)


@asynccontextmanager
async def rewritten(host: str, old: bytes, new: bytes) -> AsyncIterator[str]:
    """A server in front of another, whose answers have other bytes of the same length in some place."""
    address, _, port = host.partition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data.replace(old, new))
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(address, int(port))
        await asyncio.gather(carry(reader, behind_writer), carry(behind_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
