"""Where the vault's keys come from."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from parley_core import StartupError
from parley_webhooks.transport.key_file import vault_of
from parley_webhooks.transport.vault import SecretUnreadable, Vault, new_key


def made(key: str | None, data_dir: Path | None) -> Vault:
    """Return the vault that there must be."""
    vault = vault_of(key=key, data_dir=data_dir)
    assert vault is not None
    return vault


class TestGiven:
    def test_setting(self) -> None:
        """The setting's key counts on every worker; another one doesn't open."""
        key = new_key()
        sealed = made(key, None).sealed("s", of="1")
        assert made(key, None).opened(sealed, of="1") == "s"
        with pytest.raises(SecretUnreadable):
            made(new_key(), None).opened(sealed, of="1")

    def test_neither(self) -> None:
        """With a MongoDB server and no setting there is no vault."""
        assert vault_of(key=None, data_dir=None) is None

    def test_unusable(self, tmp_path: Path) -> None:
        """An unusable key stops the start; the message names the setting and not its value."""
        with pytest.raises(StartupError, match=r"^PARLEY_WEBHOOKS_KEY: must be base64") as caught:
            vault_of(key="hunter-2!", data_dir=tmp_path)
        assert "hunter" not in str(caught.value)

    def test_no_file_is_made(self, tmp_path: Path) -> None:
        """When a key is given, none is made."""
        made(new_key(), tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestStored:
    def test_is_made_once(self, tmp_path: Path) -> None:
        """Beside an embedded database a key is made, stored for this user only, and used again."""
        previous = os.umask(0)
        try:
            sealed = made(None, tmp_path).sealed("s", of="1")
        finally:
            os.umask(previous)
        [path] = tmp_path.iterdir()
        assert path.name == "webhooks_key"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert made(None, tmp_path).opened(sealed, of="1") == "s"

    def test_several_workers(self, tmp_path: Path) -> None:
        """Workers that start at once agree on one key and leave no draft behind."""
        with ThreadPoolExecutor(20) as threads:
            vaults = list(threads.map(lambda _: made(None, tmp_path), range(20)))
        sealed = [vault.sealed("s", of="1") for vault in vaults]
        assert {vault.opened(one, of="1") for vault in vaults for one in sealed} == {"s"}
        assert [path.name for path in tmp_path.iterdir()] == ["webhooks_key"]

    def test_setting_comes_first(self, tmp_path: Path) -> None:
        """A key that is set later seals from then on, and what the stored one sealed still opens."""
        before, key = made(None, tmp_path).sealed("s", of="1"), new_key()
        after = made(key, tmp_path).sealed("s", of="1")
        assert made(key, tmp_path).opened(before, of="1") == "s"
        assert made(key, None).opened(after, of="1") == "s"

    @pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 44], ids=["empty", "blank", "cut", "binary"])
    def test_damaged(self, tmp_path: Path, content: bytes) -> None:
        """A damaged key is never used: the start stops and says what to do."""
        (tmp_path / "webhooks_key").write_bytes(content)
        (tmp_path / "webhooks_key").chmod(0o600)
        with pytest.raises(StartupError, match=r"webhooks_key is damaged: restore it"):
            vault_of(key=None, data_dir=tmp_path)

    @pytest.mark.parametrize("key", [None, new_key()], ids=["needed", "beside the setting's"])
    def test_planted(self, tmp_path: Path, key: str | None) -> None:
        """A key that others could have read or put there is never used."""
        path = tmp_path / "webhooks_key"
        path.write_text(new_key())
        path.chmod(0o644)
        with pytest.raises(StartupError, match=r"webhooks_key belongs to user .+ chmod go= "):
            vault_of(key=key, data_dir=tmp_path)
