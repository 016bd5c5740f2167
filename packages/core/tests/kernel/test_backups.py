"""What plugins declare for backups, and the key files of a data directory."""

from pathlib import Path

import pytest
from pymongo import MongoClient

from parley_core import KeyFile, Revocation, StartupError
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.backups import Backups
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings
from parley_core.private_file import read_private, store_once
from parley_core.testing import a_plugin

SECRET = KeyFile("some_key", without="Nothing opens.")


def _plugins(*keys: KeyFile) -> Plugins:
    return Plugins([a_plugin("safe", parley_key_files=list(keys), parley_revocations=[Revocation("a", {"$set": {}})])])


class TestDeclarations:
    def test_they_are_those_of_the_hooks(self) -> None:
        plugins = _plugins(SECRET)
        assert [declared.value for declared in plugins.key_files()] == [SECRET]
        assert [declared.value.collection for declared in plugins.revocations()] == ["a"]

    def test_two_of_one_name(self) -> None:
        plugins = Plugins([a_plugin(name, parley_key_files=[SECRET]) for name in ("safe", "vault")])
        with pytest.raises(
            StartupError, match="key file 'some_key' is declared by plugin 'safe' and by plugin 'vault'"
        ):
            Backups(CoreSettings(), plugins, print)

    @pytest.mark.parametrize("name", ["", "a/b", "..", "a.b", "x" * 65, "a\n"])
    def test_names(self, name: str) -> None:
        """A name is no path, so that a restore writes nothing elsewhere."""
        with pytest.raises(StartupError, match="1 to 64 letters, digits"):
            KeyFile(name, without="")


class TestEmbedded:
    """With an embedded database: where it is, who uses it, and its keys."""

    def test_nothing_is_there(self, tmp_path: Path) -> None:
        """A wrong folder isn't made into a new database."""
        backups = Backups(CoreSettings(data_dir=tmp_path / "a"), _plugins(SECRET), print)
        with pytest.raises(StartupError, match="has no database: set --data-dir, or PARLEY_MONGODB_URI"):
            backups.make(tmp_path / "nothing.tar", with_keys=False)
        assert [*tmp_path.iterdir()] == []

    def test_copies(self, tmp_path: Path) -> None:
        """A backup beside a running server, and what each command says of keys that aren't in it."""
        said: list[str] = []
        data = tmp_path / "a"
        here, there, other = (
            Backups(CoreSettings(data_dir=tmp_path / name), _plugins(SECRET), said.append) for name in "abc"
        )
        with EmbeddedMongoDB.start(data) as server, MongoClient[dict[str, object]](server.uri) as client:
            client["parley"]["things"].insert_one({"_id": 1})
            store_once(data / SECRET.name, "secret")
            here.make(tmp_path / "bare.tar", with_keys=False)
            assert said.pop() == "Not in the backup without --with-keys: some_key. Nothing opens."
            here.make(tmp_path / "keys.tar", with_keys=True)
            assert said == ["things: 1 document, 0.0 MB"] * 2
            with pytest.raises(StartupError, match="is in use by process"):
                here.restore(tmp_path / "keys.tar", replaces=True, revokes=False)
        there.restore(tmp_path / "keys.tar", replaces=False, revokes=True)
        assert read_private(tmp_path / "b" / SECRET.name) == b"secret"
        assert said[-1] == "things: 1 document, 0.0 MB"
        other.restore(tmp_path / "bare.tar", replaces=False, revokes=False)
        assert said[-1] == "Not in the backup: some_key. Nothing opens."
        assert not (tmp_path / "c" / SECRET.name).exists()

    def test_another_key_is_replaced_only_when_asked_for(self, tmp_path: Path) -> None:
        data = tmp_path / "a"
        backups = Backups(CoreSettings(data_dir=data), _plugins(SECRET), print)
        with EmbeddedMongoDB.start(data) as server, MongoClient[dict[str, object]](server.uri) as client:
            client["parley"]["things"].insert_one({"_id": 1})
            store_once(data / SECRET.name, "secret")
            backups.make(tmp_path / "keys.tar", with_keys=True)
        (data / SECRET.name).write_text("other")
        with pytest.raises(StartupError, match="some_key is another key than the backup's: --replace replaces it"):
            backups.restore(tmp_path / "keys.tar", replaces=False, revokes=False)
        backups.restore(tmp_path / "keys.tar", replaces=True, revokes=False)
        assert read_private(data / SECRET.name) == b"secret"


class TestOwnMongoDB:
    """With a MongoDB of one's own the keys are settings."""

    def test_copies(self, core_settings: CoreSettings, tmp_path: Path) -> None:
        said: list[str] = []
        backups = Backups(core_settings, _plugins(SECRET), said.append)
        assert core_settings.mongodb_uri
        with MongoClient[dict[str, object]](core_settings.mongodb_uri.get_secret_value()) as client:
            client[core_settings.mongodb_database]["things"].insert_one({"_id": 1})
        with pytest.raises(StartupError, match="--with-keys is for an embedded database"):
            backups.make(tmp_path / "a.tar", with_keys=True)
        backups.make(tmp_path / "a.tar", with_keys=False)
        assert said.pop() == "Secrets that are settings are not in a backup: keep them elsewhere."
        with pytest.raises(StartupError, match="has data"):
            backups.restore(tmp_path / "a.tar", replaces=False, revokes=False)
        backups.restore(tmp_path / "a.tar", replaces=True, revokes=False)
