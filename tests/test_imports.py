"""No package imports itself in a circle: what import-linter can't see of that, and proof that it sees the rest."""

import subprocess
import sys
from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.name for path in ROOT.glob("packages/*/src/*") if path.is_dir())
_CONFIG = """
[tool.importlinter]
root_package = "sample"

[[tool.importlinter.contracts]]
name = "circles"
type = "acyclic_siblings"
ancestors = ["sample"]
"""

Write = Callable[..., None]


def circle_in(package: str) -> list[str]:
    """The modules of one circle, each importing the next, packages' own `__init__` among them; else nothing."""
    graph = grimp.build_graph(package, cache_dir=None)
    sorter = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the modules of a package called `sample`."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(**modules: str) -> None:
        (tmp_path / "sample").mkdir()
        for name, source in {"__init__": "", **modules}.items():
            (tmp_path / "sample" / f"{name}.py").write_text(source)

    return write


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_itself_in_a_circle(package: str) -> None:
    assert circle_in(package) == []


class TestTheCheckFires:
    def test_on_two_modules(self, write: Write) -> None:
        write(first="from sample import second", second="import sample.first")
        assert {"sample.first", "sample.second"} == set(circle_in("sample"))

    def test_on_a_package_and_its_module(self, write: Write) -> None:
        write(__init__="from sample.first import thing", first="from sample import thing")
        assert {"sample", "sample.first"} == set(circle_in("sample"))

    def test_on_imports_for_the_type_checker(self, write: Write) -> None:
        hidden = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample.second import Thing"
        write(first=hidden, second="def load():\n    from sample.first import Thing")
        assert {"sample.first", "sample.second"} == set(circle_in("sample"))

    def test_not_on_imports_one_way(self, write: Write) -> None:
        write(__init__="from sample.first import thing", first="from sample.second import thing", second="thing = 1")
        assert circle_in("sample") == []


class TestTheContractFires:
    @staticmethod
    def lint(folder: Path) -> int:
        (folder / "pyproject.toml").write_text(_CONFIG)
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode

    def test_on_a_circle(self, write: Write, tmp_path: Path) -> None:
        write(first="from sample import second", second="import sample.first")
        assert self.lint(tmp_path) == 1

    def test_not_on_imports_one_way(self, write: Write, tmp_path: Path) -> None:
        write(first="from sample import second", second="")
        assert self.lint(tmp_path) == 0
