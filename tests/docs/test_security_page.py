"""docs/security.md has a row for each requirement, and names tests that exist."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_LAST = {
    "6.1": 3,
    "6.2": 11,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
}
"""The sections of ASVS 5.0, V6 to V9, with their last requirement of level 1 or 2."""
REQUIRED = {f"{section}.{n}" for section, last in _LAST.items() for n in range(1, last + 1)} | {"6.3.8", "8.3.2"}


def rows(page: str) -> dict[str, str]:
    """Return what shows each requirement."""
    return dict(re.findall(r"^\| (\d\.\d\.\d+) \| .+? \| (.+) \|$", page, flags=re.MULTILINE))


def named_tests(page: str) -> set[str]:
    """Return the tests that a page names, like `signing/test_key_ring.py::TestRotation::test_both_algorithms`."""
    return set(re.findall(r"`([\w/]+\.py::[\w:]+)`", page))


def exists(name: str) -> bool:
    """Return whether there is such a test."""
    file, *parts = name.split("::")
    folder = ROOT if file.startswith(("tests/", "packages/")) else ROOT / "packages" / "auth" / "tests"
    path = folder / file
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    for part in parts:
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        body = next((node.body for node in body if isinstance(node, kinds) and node.name == part), [])
    return bool(body)


def test_each_requirement_has_a_row() -> None:
    """Each requirement has one row, which is not empty."""
    numbers = re.findall(r"^\| (\d\.\d\.\d+) \|", PAGE, flags=re.MULTILINE)
    assert {number for number, count in Counter(numbers).items() if count > 1} == set()
    assert rows(PAGE).keys() == REQUIRED


def test_each_named_test_exists() -> None:
    """No row names a test that doesn't exist."""
    named = named_tests(PAGE)
    assert len(named) > 40
    assert {name for name in named if not exists(name)} == set()


@pytest.mark.parametrize("number", sorted(REQUIRED))
def test_each_row_has_a_test_or_a_reason(number: str) -> None:
    """A row names a test, a section, a page, or says why not."""
    shown_by = rows(PAGE)[number]
    reasons = ("doesn't apply", "not met", "the section above", "policy.md", "there are none", "there is no code")
    assert named_tests(shown_by) or any(reason in shown_by for reason in reasons)


def test_fires() -> None:
    """A test that doesn't exist is found: by its class, its function or its file."""
    assert exists("signing/test_key_ring.py::TestRotation::test_both_algorithms")
    for name in ("TestRotation::test_x", "test_both_algorithms"):
        assert not exists(f"signing/test_key_ring.py::{name}")
    assert not exists("signing/test_x.py::test_y")
