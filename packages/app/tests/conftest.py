from collections.abc import Iterator
from pathlib import Path

import pytest

from parley_app.testing import Serving, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `parley serve`."""
    starter = Start(tmp_path)
    yield starter
    starter.end_all()


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One `parley serve` for all tests that only look at it."""
    starter = Start(tmp_path_factory.mktemp("serving"))
    yield starter("--data-dir", tmp_path_factory.mktemp("data"))
    starter.end_all()
