"""`parley backup` and `parley restore` as commands: beside a running server, and what they exit with."""

import json
import os
import signal
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from parley_app.testing import PARLEY, Serving, Start, environment, parley


@pytest.fixture(scope="module")
def backup(serving: Serving, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a running server's database, with its keys."""
    path = tmp_path_factory.mktemp("backup") / "backup.tar"
    done = parley("backup", "--with-keys", path, "--data-dir", serving.data_dir)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Backed up database 'parley' into {path}: ")
    assert "Traceback" not in done.stderr
    return path


class TestBackup:
    def test_the_file_is_the_owners_alone(self, backup: Path) -> None:
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        assert [path.name for path in backup.parent.iterdir()] == ["backup.tar"]

    def test_it_has_the_keys(self, backup: Path, serving: Serving) -> None:
        with tarfile.open(backup) as tar:
            file = tar.extractfile("keys/jwt_secret")
            assert file
            assert file.read() == (serving.data_dir / "jwt_secret").read_bytes()

    def test_a_file_is_not_overwritten(self, backup: Path, serving: Serving) -> None:
        before = backup.read_bytes()
        done = parley("backup", backup, "--data-dir", serving.data_dir)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"parley: {backup} exists: choose another name for the backup\n"
        assert backup.read_bytes() == before

    def test_a_terminated_one_leaves_nothing(self, serving: Serving, tmp_path: Path) -> None:
        command = [PARLEY, "backup", str(tmp_path / "backup.tar"), "--data-dir", str(serving.data_dir)]
        process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
        assert process.stderr
        process.stderr.readline()
        os.kill(process.pid, signal.SIGTERM)
        process.communicate()
        # It may have been done before the signal arrived.
        assert (process.returncode, [*tmp_path.iterdir()]) in [(143, []), (0, [tmp_path / "backup.tar"])]


class TestRestore:
    @pytest.mark.chaos
    def test_a_server_starts_on_it(self, backup: Path, start: Start, serving: Serving, tmp_path: Path) -> None:
        data = tmp_path / "data"
        done = parley("restore", backup, "--data-dir", data)
        assert (done.returncode, done.stdout.startswith("Restored the backup of ")) == (0, True), done.stderr
        assert (data / "jwt_secret").read_bytes() == (serving.data_dir / "jwt_secret").read_bytes()
        again = parley("restore", backup, "--data-dir", data)
        assert (again.returncode, again.stdout) == (1, "")
        assert "has data: --replace replaces all of it" in again.stderr
        restored = start("--data-dir", data)
        assert restored.get("/readyz").status_code == 200
        assert "password" not in restored.printed, "a new administrator was created, as if there was none"

    def test_a_running_server_is_not_replaced(self, backup: Path, serving: Serving) -> None:
        done = parley("restore", backup, "--replace", "--data-dir", serving.data_dir)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is in use by process" in done.stderr

    @pytest.mark.parametrize("wrong", ["flipped", "cut", "newer"])
    def test_what_is_no_whole_backup(self, backup: Path, tmp_path: Path, wrong: str) -> None:
        """Exit code 2, one line, and nothing is written: not even a data directory."""
        path, whole = tmp_path / "wrong.tar", backup.read_bytes()
        contents = {
            "flipped": whole[:700] + bytes([whole[700] ^ 1]) + whole[701:],
            "cut": whole[: len(whole) // 2],
        }
        if wrong == "newer":
            _pack_with_newer_manifest(backup, path)
        else:
            path.write_bytes(contents[wrong])
        done = parley("restore", path, "--data-dir", tmp_path / "data")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"parley: {path}: ")
        assert done.stderr.count("\n") == 1
        assert ("format 2" in done.stderr) is (wrong == "newer")
        assert [*tmp_path.iterdir()] == [path]


def _pack_with_newer_manifest(backup: Path, path: Path) -> None:
    folder = path.parent / "unpacked"
    with tarfile.open(backup) as tar:
        tar.extractall(folder, filter="data")
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 2}))
    with tarfile.open(path, "w") as tar:
        for entry in sorted(folder.rglob("*")):
            tar.add(entry, entry.relative_to(folder), recursive=False)
            if entry.is_file():
                entry.unlink()
    for entry in sorted(folder.rglob("*"), reverse=True):
        entry.rmdir()
    folder.rmdir()
