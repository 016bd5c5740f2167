"""The check of commit subjects, which `nox -s lint` runs."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[1] / ".ci" / "commit_subjects.py"
_spec = importlib.util.spec_from_file_location("commit_subjects", _SCRIPT)
assert _spec
assert _spec.loader
commit_subjects = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(commit_subjects)


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("interviews: refuse a candidate who interviews", None),
        ("Move the modules of core and auth into rooms by trade", None),
        ("interviews, messaging: read old documents", None),
        ("parley-app: log " + "x" * 56, None),
        ("parley-app: log " + "x" * 57, "is longer than 72 characters"),
        ("core: close the cursor.", "ends with a period"),
        ("fix things", "starts neither with a capital letter nor with `package: `"),
        ("core:no space", "starts neither with a capital letter nor with `package: `"),
    ],
    ids=["package", "capital", "two packages", "longest", "too long", "period", "lower case", "no space"],
)
def test_faults(subject: str, fault: str | None) -> None:
    assert commit_subjects.faults_of(subject) == ([fault] if fault else [])


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *who, *arguments],  # noqa: S607 - whichever git is there
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose first commit is the base."""
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "whatever it was.")
    monkeypatch.setattr(commit_subjects, "BASE", _git(tmp_path, "rev-parse", "HEAD"))
    return tmp_path


class TestHistory:
    def test_only_new_commits_are_checked(self, history: Path, capsys: pytest.CaptureFixture[str]) -> None:
        _git(history, "commit", "--quiet", "--allow-empty", "-m", "core: open the cursor")
        assert commit_subjects.main(history) == 0
        _git(history, "commit", "--quiet", "--allow-empty", "-m", "core: close the cursor.")
        assert commit_subjects.main(history) == 1
        assert "commit subject 'core: close the cursor.' ends with a period\n" in capsys.readouterr().out

    def test_merges_are_left_alone(self, history: Path) -> None:
        _git(history, "checkout", "--quiet", "-b", "other")
        _git(history, "commit", "--quiet", "--allow-empty", "-m", "core: open the cursor")
        _git(history, "checkout", "--quiet", "-")
        _git(history, "merge", "--quiet", "--no-ff", "-m", "merge of the other branch.", "other")
        assert commit_subjects.main(history) == 0

    @pytest.mark.parametrize("kind", ["no repository", "a shallow clone"])
    def test_without_the_base_it_says_that_it_checked_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
    ) -> None:
        if kind == "a shallow clone":
            _git(tmp_path, "init", "--quiet")
            _git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "core: close the cursor.")
        assert commit_subjects.main(tmp_path) == 0
        assert "commit subjects are NOT checked: " in capsys.readouterr().out
