"""A package's public surface is its `__all__` and the modules that its README names: siblings import nothing else."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_MODULE = re.compile(r"`(parley_[\w.]+)`")
FOLDERS = {path.name: path.parents[1] for path in sorted(ROOT.glob("packages/*/src/parley_*"))}


def imports_of(source: str, package: str) -> Iterator[tuple[str, str]]:
    """What a module of a package imports from siblings: the module, and the name taken from it ("" for the whole)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        else:
            continue
        yield from (one for one in found if one[0].startswith("parley_") and one[0].partition(".")[0] != package)


def is_public(module: str, name: str, named: set[str]) -> bool:
    """Whether a sibling may import this: `named` are the modules of the package's README."""
    package, _, inner = module.partition(".")
    if inner:
        # `from parley_core.http import probes` takes a module.
        return module in named or f"{module}.{name}" in named
    return name in importlib.import_module(package).__all__ or f"{package}.{name}" in named


def named_in(package: str) -> set[str]:
    """The modules that a package's README names."""
    found = _MODULE.findall((FOLDERS[package] / "README.md").read_text(encoding="utf-8"))
    return {module for module in found if module.startswith(f"{package}.")}


def private_imports(package: str) -> list[str]:
    """What the modules of a package import from its siblings though it isn't public, with the module that does."""
    folder = FOLDERS[package] / "src" / package
    return sorted(
        f"{path.relative_to(folder)} imports {name or 'all'} of {module}"
        for path in folder.rglob("*.py")
        for module, name in imports_of(path.read_text(encoding="utf-8"), package)
        if not is_public(module, name, named_in(module.partition(".")[0]))
    )


@pytest.mark.parametrize("package", FOLDERS)
def test_only_public_things_of_siblings_are_imported(package: str) -> None:
    assert private_imports(package) == []


def homes_of(source: str) -> dict[str, str]:
    """The module that each public name comes from, as the type checker reads it."""
    [block] = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


@pytest.mark.parametrize("package", ["parley_app", "parley_auth", "parley_core"])
def test_names_that_are_imported_later_are_those_of_the_type_checker(package: str) -> None:
    module = importlib.import_module(package)
    homes = homes_of(Path(str(module.__file__)).read_text(encoding="utf-8"))
    assert homes.keys() == set(module.__all__)
    for name, home in homes.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name), name
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize(
    ("source", "public"),
    [
        ("from parley_core import Parley", True),
        ("from parley_core import Nothing", False),
        ("from parley_core.known import Thing", True),
        ("from parley_core.unknown import Thing", False),
        ("from parley_core import known", True),
        ("import parley_core.unknown", False),
        ("from parley_core.room import named", True),
    ],
    ids=["all", "not all", "named", "not named", "module", "import", "module of a room"],
)
def test_it_tells_them_apart(source: str, *, public: bool) -> None:
    [(module, name)] = imports_of(source, "parley_other")
    assert is_public(module, name, {"parley_core.known", "parley_core.room.named"}) is public
