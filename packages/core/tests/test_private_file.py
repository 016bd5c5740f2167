"""Secrets that are made once: one text counts, whole, and only its owner can read it."""

import os
import shlex
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from parley_core.errors import StartupError
from parley_core.private_file import check_folder, read_or_store, read_private, store_once

ME = os.geteuid()
as_root = pytest.mark.skipif(ME != 0, reason="only root can give a file to another user")


def test_mode(tmp_path: Path) -> None:
    """Only the owner can read the file, whatever the process's umask is."""
    previous = os.umask(0)
    try:
        store_once(tmp_path / "secret", "text")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_race(tmp_path: Path) -> None:
    """The second of two processes keeps the first one's text and leaves no draft behind."""
    path = tmp_path / "secret"
    store_once(path, "first")
    store_once(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_many_at_once(tmp_path: Path) -> None:
    """Of many who store at once one counts, and each reads a whole text."""
    path = tmp_path / "secret"

    def store(number: int) -> str:
        store_once(path, f"{number:1000}")
        return path.read_text()

    with ThreadPoolExecutor(20) as threads:
        texts = set(threads.map(store, range(20)))
    assert len(texts) == 1
    assert {len(text) for text in texts} == {1000}
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    store_once(path, "text")
    return path


class TestReading:
    def test_private(self, secret: Path) -> None:
        """What only this user can read and write is read, and so is what they can only read."""
        for mode in (0o600, 0o400):
            secret.chmod(mode)
            assert read_private(secret) == b"text"

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604, 0o602, 0o601, 0o660, 0o777], ids=oct)
    def test_open_to_others(self, secret: Path, mode: int) -> None:
        """What others may read or write is refused, with its owner, its mode, and a command that mends it."""
        secret.chmod(mode)
        with pytest.raises(StartupError) as failure:
            read_private(secret)
        assert str(failure.value) == (
            f"{secret} belongs to user {ME} with mode {mode:04o}, and this process runs as user {ME}: others "
            f"could have planted or read it; remove it, or if you trust it run: chmod go= {secret}"
        )
        _run_what_mends(failure.value)
        assert read_private(secret) == b"text"

    @as_root
    @pytest.mark.parametrize("mode", [0o600, 0o644], ids=oct)
    def test_of_another_user(self, secret: Path, mode: int) -> None:
        """A file of another user is refused, by root too, who could read it."""
        secret.chmod(mode)
        os.chown(secret, 12345, -1)
        with pytest.raises(StartupError, match=f"secret belongs to user 12345 with mode {mode:04o}") as failure:
            read_private(secret)
        _run_what_mends(failure.value)
        assert read_private(secret) == b"text"

    def test_link(self, secret: Path, tmp_path: Path) -> None:
        """A link is refused, even to a private file, and so is one that leads nowhere: nothing is made there."""
        for target in (secret, tmp_path / "nowhere"):
            link = tmp_path / f"to-{target.name}"
            link.symlink_to(target)
            for read in (read_private, lambda path: read_or_store(path, lambda: "text")):
                with pytest.raises(StartupError, match=rf"{link} is a link or no regular file"):
                    read(link)
        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.parametrize("kind", ["pipe", "folder", "socket"])
    def test_no_file(self, tmp_path: Path, kind: str) -> None:
        """What is no file is refused at once: nobody waits for a pipe's other end."""
        path = tmp_path / "x"
        if kind == "pipe":
            os.mkfifo(path, 0o600)
        elif kind == "folder":
            path.mkdir(mode=0o700)
        else:
            os.mknod(path, stat.S_IFSOCK | 0o600)
        with pytest.raises(StartupError, match=r"x is a link or no regular file"):
            read_private(path)

    def test_folder(self, secret: Path, tmp_path: Path) -> None:
        """Nothing is read out of a folder in which others may write; that they may look into it is no harm."""
        tmp_path.chmod(0o755)
        assert read_private(secret) == b"text"
        for mode in (0o775, 0o757, 0o1777):
            tmp_path.chmod(mode)
            with pytest.raises(
                StartupError, match=rf"^{tmp_path} belongs to .+ mode {mode:04o}.+ chmod go-w {tmp_path}$"
            ):
                read_private(secret)
        tmp_path.chmod(0o700)

    @as_root
    def test_folder_of_another_user(self, secret: Path, tmp_path: Path) -> None:
        """Nothing is read out of a folder of another user."""
        os.chown(tmp_path, 12345, -1)
        with pytest.raises(StartupError, match=rf"run: chown {ME} {tmp_path}$"):
            read_private(secret)

    def test_missing(self, tmp_path: Path) -> None:
        """A file that isn't there is no problem of the file's; `read_or_store` makes it."""
        with pytest.raises(FileNotFoundError):
            read_private(tmp_path / "secret")
        assert read_or_store(tmp_path / "secret", lambda: "made") == b"made"
        assert read_or_store(tmp_path / "secret", lambda: "again") == b"made"

    def test_check_folder_accepts(self, tmp_path: Path) -> None:
        """A folder that this user alone writes in is accepted."""
        check_folder(tmp_path)


def _run_what_mends(error: StartupError) -> None:
    """Run the commands that a message names."""
    for command in str(error).rpartition("run: ")[2].split(" && "):
        subprocess.run(shlex.split(command), check=True)
