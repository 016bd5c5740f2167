"""The template of `nox -s new-package` makes a package whose tests pass."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("new_package", ROOT / "templates" / "new_package.py")
assert _spec
assert _spec.loader
new_package = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(new_package)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of what a new package is made of."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    return tmp_path


def test_its_tests_pass(workspace: Path) -> None:
    folder = new_package.write("gadgets", root=workspace)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests")]
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    tests = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    assert tests.returncode == 0, tests.stdout


def test_nothing_of_the_template_is_left(workspace: Path) -> None:
    folder = new_package.write("gadgets", root=workspace)
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {"plugin.py", "py.typed", "test_gadgets.py", "README.md"} <= {path.name for path in written}
    for path in written:
        assert "widget" not in f"{path}{path.read_text()}".lower()
    assert "class DuplicateGadget(" in (folder / "src/parley_gadgets/errors.py").read_text()


def test_it_is_entered_wherever_features_are_listed(workspace: Path) -> None:
    before = (workspace / "pyproject.toml").read_text()
    new_package.write("gadgets", root=workspace)
    text = (workspace / "pyproject.toml").read_text()
    settings = tomllib.loads(text)["tool"]
    assert settings["uv"]["sources"]["parley-gadgets"] == {"workspace": True}
    assert "parley_gadgets" in settings["coverage"]["run"]["source_pkgs"]
    assert "parley_gadgets" in settings["importlinter"]["root_packages"]
    layers, app, circles, *_ = settings["importlinter"]["contracts"]
    [features] = [layer.split(" | ") for layer in layers["layers"] if "parley_interviews" in layer]
    assert "parley_gadgets" in features
    assert "parley_gadgets" in app["forbidden_modules"]
    assert "parley_gadgets" in circles["ancestors"]
    changed = set(text.splitlines()) - set(before.splitlines())
    assert all("gadgets" in line for line in changed)


@pytest.mark.parametrize("words", [("Labels",), ("job-offers",), ("feedback",), ("labels", "labels"), ("",)])
def test_a_wrong_name_is_refused(workspace: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(new_package.WrongName, match="in the plural, in lower-case letters"):
        new_package.write(*words, root=workspace)


def test_a_package_is_not_overwritten(workspace: Path) -> None:
    new_package.write("feedback", "entry", root=workspace)
    with pytest.raises(new_package.WrongName, match="feedback exists"):
        new_package.write("feedback", "entry", root=workspace)


def test_a_listed_package_is_not_entered_again(workspace: Path) -> None:
    folder = new_package.write("gadgets", root=workspace)
    shutil.rmtree(folder)
    with pytest.raises(new_package.WrongName, match=r"parley-gadgets is listed in pyproject\.toml already"):
        new_package.write("gadgets", root=workspace)
