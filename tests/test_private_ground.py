"""Private names of FastAPI, Starlette, uvicorn and PyMongo are used where the decision page says and nowhere else."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
[PAGE] = ROOT.glob("docs/decisions/*private-ground.md")
_ROW = re.compile(r"^\| (\w+) \| `(\w+)` \| `([\w/.]+)` \|", re.MULTILINE)
_OURS = re.compile(r"parley_\w+")


class Row(NamedTuple):
    """A row of the page's table."""

    library: str
    name: str
    file: str


TABLE = [Row(*found) for found in _ROW.findall(PAGE.read_text(encoding="utf-8"))]


@cache
def sources() -> list[tuple[str, str]]:
    """Every module that runs in production, by its path below `src`, with its text."""
    folders = list(ROOT.glob("packages/*/src"))
    files = [(str(path.relative_to(folder)), path) for folder in folders for path in folder.rglob("*.py")]
    return [(name, path.read_text(encoding="utf-8")) for name, path in files if "testing" not in name]


@cache
def names_in(source: str) -> frozenset[str]:
    """The identifiers of a module, and its strings that could be one; attributes of our own plain classes aside."""
    tree = ast.parse(source)
    own = {
        id(node)
        for class_ in ast.walk(tree)
        if isinstance(class_, ast.ClassDef) and not class_.bases
        for node in ast.walk(class_)
        if _is_of_self(node)
    }
    return frozenset(name for node in ast.walk(tree) if id(node) not in own for name in _names_of(node))


def _is_of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def _names_of(node: ast.AST) -> Iterator[str]:
    match node:
        case (
            ast.Attribute(attr=name)
            | ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.keyword(arg=str(name))
            | ast.Constant(value=str(name))
            | ast.alias(name=name)
        ):
            yield name


def private_names_in(source: str) -> set[str]:
    """The private names of others that a module imports, reads from an import, overrides, or asks for by `getattr`."""
    tree = ast.parse(source)
    foreign = {name for node in ast.walk(tree) for name in _foreign_names(node)}
    return {name for node in ast.walk(tree) for name in _private_names_of(node, foreign)}


def _foreign_names(node: ast.AST) -> Iterator[str]:
    """The names under which a statement imports something that is neither ours nor Python's."""
    if isinstance(node, ast.Import):
        yield from (a.asname or a.name.partition(".")[0] for a in node.names if _is_foreign(a.name))
    elif isinstance(node, ast.ImportFrom) and _is_foreign(node.module or ""):
        yield from (alias.asname or alias.name for alias in node.names)


def _is_foreign(module: str) -> bool:
    top = module.partition(".")[0]
    return bool(top) and top not in sys.stdlib_module_names and not _OURS.fullmatch(top)


def _private_names_of(node: ast.AST, foreign: set[str]) -> Iterator[str]:
    match node:
        case ast.ImportFrom(module=str(module), names=names) if _is_foreign(module):
            yield from filter(_is_private, (*module.split("."), *(alias.name for alias in names)))
        case ast.Attribute(value=ast.Name(id=base), attr=name) if base in foreign and _is_private(name):
            yield name
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name) if _is_private(name):
            yield name
        case ast.Call(func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[base, ast.Constant(str(name)), *_]):
            if _is_private(name) and not (isinstance(base, ast.Name) and base.id in {"self", "cls"}):
                yield name


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _bounds(requirements: list[str], library: str) -> str | None:
    found = (re.match(rf"{library}(?:\[\w+\])?([^;\s]*)", requirement) for requirement in requirements)
    return next((match[1] for match in found if match), None)


def _project(folder: Path) -> list[str]:
    with (folder / "pyproject.toml").open("rb") as file:
        requirements: list[str] = tomllib.load(file)["project"]["dependencies"]
        return requirements


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_name_is_used_in_its_one_place(row: Row) -> None:
    assert {path for path, source in sources() if row.name in names_in(source)} == {row.file}


@pytest.mark.parametrize(("path", "source"), [pytest.param(*found, id=found[0]) for found in sorted(sources())])
def test_each_private_name_is_in_the_table(path: str, source: str) -> None:
    assert private_names_in(source) <= {row.name for row in TABLE if row.file == path}


@pytest.mark.parametrize(("package", "library"), sorted({(row.file.split("/")[0], row.library) for row in TABLE}))
def test_each_library_is_bound_to_the_version_that_was_tested(package: str, library: str) -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        pins = tomllib.load(file)["tool"]["uv"]["constraint-dependencies"]
    tested = (_bounds(pins, library) or "").removeprefix("==")
    major, minor = map(int, tested.split(".")[:2])
    folder = ROOT / "packages" / package.removeprefix("parley_")
    assert _bounds(_project(folder), library) == f">={major}.{minor},<{major}.{minor + 1}"


def test_the_table_is_read() -> None:
    """The checks are about something."""
    assert {row.library for row in TABLE} == {"fastapi", "starlette", "uvicorn", "pymongo"}
    assert len(sources()) > 80


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from pymongo import _csot", "_csot"),
        ("from uvicorn._subprocess import get_subprocess", "_subprocess"),
        ("import fastapi\nfastapi._private()", "_private"),
        ("from fastapi import routing\nrouting._find", "_find"),
        ("class A(Request):\n    async def form(self):\n        return await super()._get_form()", "_get_form"),
        ("def of(router):\n    return getattr(router, '_frontend_routes', None)", "_frontend_routes"),
    ],
    ids=["imported", "module", "attribute", "submodule", "overridden", "by name"],
)
def test_a_private_name_is_found(source: str, name: str) -> None:
    assert name in private_names_in(source)


def test_own_and_pythons_private_names_are_left_alone() -> None:
    source = "import os\nfrom parley_core.x import y\nos._exit(1)\ny._z\nclass A:\n    def b(self):\n        self._c"
    assert private_names_in(source) == set()


@pytest.mark.parametrize(
    "source",
    ["route.original_route", "{}.get('effective_route_context')", "class A(Server):\n    def handle_exit(self): ..."],
    ids=["attribute", "string", "override"],
)
def test_a_use_is_found(source: str) -> None:
    assert names_in(source) & {row.name for row in TABLE}
