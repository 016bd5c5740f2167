"""The settings table of docs/deploying.md names every setting of every package, with its default and its meaning."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import env_name

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
_ROW = re.compile(r"^\| `(PARLEY_\w+)` \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)


@pytest.fixture
def fields() -> dict[str, FieldInfo]:
    """Return every setting that an installed package declares, by its environment variable."""
    classes = [declared.value for declared in Plugins().settings_classes()]
    return {env_name(name): field for cls in classes for name, field in cls.model_fields.items()}


def problems(page: str, fields: Mapping[str, FieldInfo]) -> list[str]:
    """Return what is wrong with a page's table."""
    rows = {name: (default, meaning) for name, default, meaning in _ROW.findall(page)}
    names = [f"{name} is {'missing' if name in fields else 'unknown'}" for name in sorted(rows.keys() ^ fields.keys())]
    return names + [f"{name}: {w}" for name in fields if name in rows for w in _wrong(*rows[name], fields[name])]


def _wrong(default: str, meaning: str, field: FieldInfo) -> list[str]:
    expected = _shown(field.default)
    wrong = [] if default == expected else [f"the default is {expected or 'none'}"]
    described = field.description and meaning.startswith(field.description)
    return wrong if described else [*wrong, f"the meaning is: {field.description or '?'}"]


def _shown(default: object) -> str:
    """Return a default as it is written into the environment; no default is an empty cell."""
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_table(fields: dict[str, FieldInfo]) -> None:
    """Each setting is in the table with the default and meaning of its class."""
    assert len(fields) > 10
    assert problems(PAGE, fields) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("`PARLEY_DOCS`", "`PARLEY_DOC`", ["PARLEY_DOC is unknown", "PARLEY_DOCS is missing"]),
        ("| `16` |", "| `17` |", ["PARLEY_MONGODB_POOL_SIZE: the default is `16`"]),
        ("| `open` |", "| |", ["PARLEY_AUTH_REGISTRATION: the default is `open`"]),
        (
            "Whether anyone may register an account",
            "Whatever",
            ["PARLEY_AUTH_REGISTRATION: the meaning is: Whether anyone may register an account."],
        ),
    ],
    ids=["name", "default", "no default", "meaning"],
)
def test_fires(fields: dict[str, FieldInfo], old: str, new: str, found: list[str]) -> None:
    """A wrong name, default or meaning is found and named."""
    assert old in PAGE
    assert problems(PAGE.replace(old, new), fields) == found
