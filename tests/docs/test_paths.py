"""The pages name modules that exist: `parley_core/http/routing.py`, a folder like `deploy/`, a test's file."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_CODE = re.compile(r"`((?:parley_\w+|packages|docs|examples|benchmarks|tests)/[\w./-]*?)(?:::[\w:]+)?`")


def missing(text: str) -> list[str]:
    """Return the paths of a text that don't exist."""
    return [path for path in _CODE.findall(text) if not any(root.joinpath(path).exists() for root in _roots())]


def _roots() -> list[Path]:
    return [ROOT, ROOT / "packages" / "auth", *ROOT.glob("packages/*/src"), *ROOT.glob("examples/*/src")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths(page: Path) -> None:
    """Each path in the page's code exists. `packages/labels` is what a recipe creates."""
    assert [path for path in missing(page.read_text(encoding="utf-8")) if not path.startswith("packages/labels")] == []


def test_fires() -> None:
    """A module, a file and a folder that don't exist are found."""
    text = "`parley_core/nowhere.py` `parley_core/errors.py` `docs/nothing.md` `tests/nowhere/` `packages/` `x/y`"
    assert missing(text) == ["parley_core/nowhere.py", "docs/nothing.md", "tests/nowhere/"]
