"""The snippets of the documentation work.

Every ```python block compiles. A mark behind the language says more: `run` runs the block, and starts the application
`app` if the block makes one; `file=<path>` quotes that file, which then contains the block as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI

from parley_auth.testing import auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client

ROOT = Path(__file__).parents[2]
PATTERNS = ("*.md", "docs/**/*.md", "packages/*/README.md", "examples/**/README.md")
_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<mark>[^\n]+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block and its place."""

    place: str
    language: str
    mark: str
    text: str

    def check(self) -> None:
        """Fail unless the block is what its language and its mark say."""
        if self.mark.startswith("file="):
            assert self.text in (ROOT / self.mark.removeprefix("file=")).read_text(), "the file has another text"
        else:
            assert self.mark in {"", "run"}, "there is no such mark"
            compile(self.text, self.place, "exec")

    def run(self) -> FastAPI | None:
        """Run the block as a module, and return the application that it makes."""
        module = ModuleType("snippet")
        exec(compile(self.text, self.place, "exec"), module.__dict__)  # noqa: S102 - our own pages
        app = getattr(module, "app", None)
        return app if isinstance(app, FastAPI) else None


def blocks_of(page: str, place: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start()) + 1
        yield Block(f"{place}:{line}", found["language"], found["mark"] or "", found["text"])


PAGES = [page for pattern in PATTERNS for page in sorted(ROOT.glob(pattern))]
BLOCKS = [block for page in PAGES for block in blocks_of(page.read_text(), str(page.relative_to(ROOT)))]
CHECKED = [block for block in BLOCKS if block.language == "python" or block.mark]
RUNNABLE = [block for block in CHECKED if block.mark == "run"]


@pytest.mark.parametrize("block", CHECKED, ids=lambda block: block.place)
def test_block(block: Block) -> None:
    """Each Python block compiles, and each quotation is in the file that it names."""
    block.check()


@pytest.fixture
def environment(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what readers have in their environment."""
    secrets = {"MONGODB_URI": core_settings.mongodb_uri, "JWT_SECRET": auth_settings().jwt_secret}
    for name, secret in secrets.items():
        assert secret
        monkeypatch.setenv(f"PARLEY_{name}", secret.get_secret_value())
    monkeypatch.setenv("PARLEY_MONGODB_DATABASE", core_settings.mongodb_database)


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.place)
@pytest.mark.usefixtures("environment")
async def test_runs(block: Block) -> None:
    """Each runnable block runs, and the application that it makes starts on a real MongoDB."""
    if app := block.run():
        async with running_client(app):
            pass


def test_there_are_some() -> None:
    """The checks above are not empty: some blocks run, some are quotations, some of these not of Python."""
    assert RUNNABLE
    assert {block.language for block in CHECKED if block.mark.startswith("file=")} >= {"python", "toml"}


@pytest.mark.parametrize(
    ("fence", "error"),
    [
        ("python", SyntaxError),
        ("python run", SyntaxError),
        ("python file=noxfile.py", AssertionError),
        ("toml file=pyproject.toml", AssertionError),
        ("python file=nowhere.py", FileNotFoundError),
        ("python ran", AssertionError),
    ],
)
def test_fires(fence: str, error: type[Exception]) -> None:
    """A block that is wrong, quotes wrongly or has an unknown mark is found."""
    [block] = blocks_of(f"Text.\n\n```{fence}\nno such text\n```\n", "page")
    with pytest.raises(error):
        block.check()
