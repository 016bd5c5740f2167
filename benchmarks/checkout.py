"""An older commit of the project, checked out and installed for itself."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.servers import Tree

_SERVER = ("uvicorn", "uvloop", "httptools")


def commit_of(revision: str) -> str:
    """Return the id of a commit; end the program if there is no such commit."""
    command = ["git", "rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        sys.exit(f"{revision} is not a commit of this repository")
    return found.stdout.strip()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check a commit out into a temporary worktree, and remove the worktree afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        root = Path(folder, "tree")
        try:
            _run("git", "worktree", "add", "--quiet", "--detach", str(root), commit, cwd=ROOT)
            yield root
        finally:
            if root.exists():
                _run("git", "worktree", "remove", "--force", str(root), cwd=ROOT)


def installed(root: Path, folder: Path) -> Tree:
    """Install the packages of a working tree into a new environment, with the versions that this tree pins.

    Editable, because the build of a folder may come out of a cache that does not see changed sources.
    """
    python = folder / "bin" / "python"
    packages = sorted(str(file.parent) for file in root.glob("packages/*/pyproject.toml"))
    editable = [part for package in packages for part in ("--editable", package)]
    # uv reads the pins of the folder that it runs in.
    _run("uv", "venv", "--quiet", f"--python={sys.executable}", str(folder), cwd=root)
    _run("uv", "pip", "install", "--quiet", "--no-sources", f"--python={python}", *editable, *_SERVER, cwd=root)
    return Tree(root, str(python))


def _run(program: str, *arguments: str, cwd: Path) -> None:
    subprocess.run([shutil.which(program) or program, *arguments], cwd=cwd, check=True)
