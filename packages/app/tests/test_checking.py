"""`parley check`: what it finds out, that it changes nothing, and that it shows no secret."""

import socket
import subprocess
import threading
from pathlib import Path

import pytest
from pymongo import MongoClient

from parley_app.testing import Serving, install_plugin, parley
from parley_core.embedded import running_uri

_SECRET = "hunter2-Qm8vXr4kT1pZs6Lw9bNd3Fy7Gc5Hj0"


def _check(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command, for a server that takes any free port unless a test names one."""
    return parley("check", *arguments, **({"PARLEY_LISTEN_PORT": "0"} | settings))


def _words(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the word of each part."""
    assert "Traceback" not in done.stderr
    assert "hunter" not in done.stdout + done.stderr
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    return {part: word for word, part, _ in lines}


def _all(word: str, **others: str) -> dict[str, str]:
    return dict.fromkeys(("plugins", "settings", "policy", "address", "database", "indexes", "services"), word) | others


@pytest.fixture
def uri(serving: Serving) -> str:
    """The address of a MongoDB of one's own: that of a running server."""
    found = running_uri(serving.data_dir)
    assert found is not None
    return found


class TestSound:
    def test_a_new_folder_stays_away(self, tmp_path: Path) -> None:
        """Nothing is started and nothing is created where a first start would."""
        done = _check("--data-dir", tmp_path / "data")
        assert _words(done) == _all("ok", indexes="unknown", services="unknown")
        assert f"mongod would run on {tmp_path}/data, which is new" in done.stdout
        assert done.returncode == 0
        assert list(tmp_path.iterdir()) == []

    def test_beside_a_running_server(self, serving: Serving) -> None:
        """It uses the server's database, which goes on."""
        done = _check(PARLEY_DATA_DIR=str(serving.data_dir))
        assert (_words(done), done.returncode) == (_all("ok"), 0)
        assert serving.get("/readyz").status_code == 200

    def test_nothing_is_stored(self, uri: str) -> None:
        """A database that isn't there is not there afterwards."""
        settings = {"PARLEY_MONGODB_URI": uri, "PARLEY_MONGODB_DATABASE": "unborn", "PARLEY_JWT_SECRET": _SECRET}
        webhooks = {"PARLEY_WEBHOOKS_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
        done = _check(**settings, **webhooks)
        assert (_words(done), done.returncode) == (_all("ok"), 0)
        with MongoClient[dict[str, object]](uri) as client:
            assert "unborn" not in client.list_database_names()


class TestWrong:
    @pytest.mark.chaos
    def test_several_at_once(self) -> None:
        """Wrong settings of one package don't hide that the database is away, nor what a name was meant to be."""
        away = f"mongodb://u:{_SECRET}@127.0.0.1:1/?replicaSet=x"
        done = _check(PARLEY_MONGODB_URI=away, PARLEY_LISTEN_PORT="hunter2", PARLEY_ADMIN_PASSWORD=_SECRET)
        assert _words(done) == _all("unknown", plugins="ok", settings="wrong", database="wrong")
        assert all(word in done.stdout for word in ("PARLEY_LISTEN_PORT", "PARLEY_ADMIN_PASSWORD", "127.0.0.1:1"))
        assert done.returncode == 1

    def test_a_setting_of_the_database(self, tmp_path: Path) -> None:
        """Without it nobody knows where the database is."""
        (tmp_path / "uri").write_text(f"mongodb://{_SECRET}")
        both = {"PARLEY_MONGODB_URI": "mongodb://h/", "PARLEY_MONGODB_URI_FILE": str(tmp_path / "uri")}
        done = _check(**both)
        assert _words(done) == _all("unknown", plugins="ok", settings="wrong", address="ok")
        assert "PARLEY_MONGODB_URI and PARLEY_MONGODB_URI_FILE are both set" in done.stdout

    def test_a_missing_secret(self, uri: str) -> None:
        """What a start would only notice with the database open is noticed too, and what to do is said."""
        done = _check(PARLEY_MONGODB_URI=uri)
        assert _words(done) == _all("ok", services="wrong")
        assert "PARLEY_JWT_SECRET is missing" in done.stdout
        assert done.returncode == 1

    def test_data_of_another_release(self, uri: str) -> None:
        """Data that a start would refuse is refused, and left as it is."""
        formats = {"_id": "format", "number": 99}
        with MongoClient[dict[str, object]](uri) as client:
            client["newer"]["stored_format"].insert_one(formats)
            done = _check(PARLEY_MONGODB_URI=uri, PARLEY_MONGODB_DATABASE="newer", PARLEY_JWT_SECRET=_SECRET)
            assert list(client["newer"]["stored_format"].find()) == [formats]
            assert client["newer"].list_collection_names() == ["stored_format"]
        assert _words(done) == _all("ok", services="wrong")
        assert "stored format 99" in done.stdout

    @pytest.mark.parametrize(
        ("name", "advice"), [("PARLEY_MONGOD", "set it to a mongod binary"), ("PARLEY_DATA_DIR", "choose another")]
    )
    def test_an_embedded_database_that_could_not_start(self, tmp_path: Path, name: str, advice: str) -> None:
        """The binary and the folder are looked at although nothing is started."""
        (tmp_path / "file").touch()
        done = _check(**{"PARLEY_DATA_DIR": str(tmp_path / "data"), name: str(tmp_path / "file" / "inside")})
        assert _words(done) == _all("ok", database="wrong", indexes="unknown", services="unknown")
        assert advice in done.stdout

    def test_a_route_without_a_guard(self, tmp_path: Path) -> None:
        """The composed application is proved as at a start."""
        source = (
            "from parley_core import Router, hookimpl\nrouter = Router(prefix='/open', tag='open')\n\n\n"
            "@router.get('/door')\nasync def enter() -> str:\n    return ''\n\n\n"
            "@hookimpl\ndef parley_routers():\n    return [router]\n"
        )
        install_plugin(tmp_path, "careless", source)
        done = _check("--data-dir", tmp_path / "data", PYTHONPATH=str(tmp_path))
        assert _words(done) == _all("ok", policy="wrong", indexes="unknown", services="unknown")
        assert "has no guard and isn't declared public" in done.stdout

    def test_a_plugin_that_does_not_import(self, tmp_path: Path) -> None:
        """It is named, and the database is looked for all the same."""
        install_plugin(tmp_path, "broken", "import no_such_module")
        done = _check("--data-dir", tmp_path / "data", PYTHONPATH=str(tmp_path))
        assert _words(done) == _all("ok", plugins="wrong", policy="unknown", indexes="unknown", services="unknown")
        assert "plugin 'broken' (broken) failed to import" in done.stdout


def _hang_up_on_one(listener: socket.socket) -> None:
    listener.accept()[0].close()


class TestAddress:
    """A start needs its address for itself."""

    def test_a_port_that_another_program_has(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            done = _check("--data-dir", tmp_path / "data", "--port", port)
            taken.accept()[0].close()  # It was asked who it is.
        assert (_words(done)["address"], done.returncode) == ("wrong", 1)
        assert f"port {port} on 127.0.0.1 is in use: stop the process that uses it" in done.stdout

    def test_a_free_one_stays_free(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        done = _check("--data-dir", tmp_path / "data", PARLEY_LISTEN_PORT=port)
        assert (_words(done)["address"], done.returncode) == ("ok", 0)
        assert f"port {port} on 127.0.0.1 is free" in done.stdout
        socket.create_server(("127.0.0.1", int(port))).close()

    def test_one_that_a_parley_has(self, serving: Serving, tmp_path: Path) -> None:
        """A new release is checked beside the one that it replaces."""
        done = _check("--data-dir", tmp_path / "data", "--port", str(serving.port))
        assert (_words(done)["address"], done.returncode) == ("unknown", 0)
        assert "a start works once that has stopped" in done.stdout

    def test_no_address_of_this_machine(self, tmp_path: Path) -> None:
        done = _check("--data-dir", tmp_path / "data", "--host", "203.0.113.9")
        assert (_words(done)["address"], done.returncode) == ("wrong", 1)

    @pytest.mark.chaos
    def test_a_unix_domain_socket(self, tmp_path: Path) -> None:
        place, data = tmp_path / "parley.sock", tmp_path / "data"
        assert _words(_check("--data-dir", data, "--uds", place))["address"] == "ok"
        assert not place.exists()
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(str(place))
            # A killed process left it: a start replaces it.
            assert _words(_check("--data-dir", data, "--uds", place))["address"] == "ok"
            assert place.exists()
            taken.listen()
            threading.Thread(target=_hang_up_on_one, args=(taken,), daemon=True).start()
            assert _words(_check("--data-dir", data, "--uds", place))["address"] == "wrong"
        assert _words(_check("--data-dir", data, "--uds", tmp_path / "no" / "where"))["address"] == "wrong"


class TestIndexes:
    def test_what_can_not_be_built_is_named(self, uri: str) -> None:
        """By plugin, collection and index, without what is stored, which stays as it is."""
        settings = {"PARLEY_MONGODB_URI": uri, "PARLEY_MONGODB_DATABASE": "twice", "PARLEY_JWT_SECRET": _SECRET}
        with MongoClient[dict[str, object]](uri) as client:
            client["twice"]["users"].insert_many([{"email": "hunter@example.com"} for _ in range(2)])
            done = _check(**settings)
            assert client["twice"].list_collection_names() == ["users"]
            assert [index["name"] for index in client["twice"]["users"].list_indexes()] == ["_id_"]
            client.drop_database("twice")
        assert _words(done)["indexes"] == "wrong"
        assert "plugin 'auth': an index of collection 'users' can't be built: 'email' is unique" in done.stdout
        assert done.returncode == 1
