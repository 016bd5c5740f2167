"""Fixtures: what has a lifetime, which is the MongoDB of a test run and the database of a test."""

import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from parley_core.embedded import embedded_mongodb
from parley_core.kernel.settings import PREFIX, CoreSettings
from parley_core.testing.log_lines import LineCheck, refuse
from parley_core.testing.metrics import Metrics, metered


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Return the event loop of async tests: asyncio, like the server's."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Return what is measured from the beginning of the test."""
    with metered() as metrics:
        yield metrics


@pytest.fixture(scope="session", autouse=True)
def _line_check() -> Iterator[LineCheck]:
    check, parley = LineCheck(), logging.getLogger("parley")
    logging.getLogger().addHandler(check)
    parley.setLevel(logging.INFO)
    yield check
    logging.getLogger().removeHandler(check)
    parley.setLevel(logging.NOTSET)
    refuse(check.wrong)


@pytest.fixture(autouse=True)
def _log_is_json(_line_check: LineCheck) -> Iterator[None]:
    """Fail a test during which a line is logged that isn't one of the log."""
    yield
    wrong, _line_check.wrong = _line_check.wrong, []
    refuse(wrong)


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the test run's MongoDB."""
    given = os.environ.get("PARLEY_MONGOD")
    with embedded_mongodb(tmp_path_factory.mktemp("mongodb"), mongod=Path(given) if given else None) as uri:
        yield uri


@pytest.fixture(scope="session")
def _remover(mongodb_uri: str) -> Iterator[MongoClient[dict[str, object]]]:
    # Unacknowledged, since removing a database takes a tenth of a second that no test needs to wait for.
    with MongoClient[dict[str, object]](mongodb_uri, w=0) as client:
        yield client


@pytest.fixture
def core_settings(mongodb_uri: str, _remover: MongoClient[dict[str, object]]) -> Iterator[CoreSettings]:
    """Return settings with a database that is this test's own and is dropped after it."""
    name = f"test_{uuid.uuid4().hex[:20]}"
    cached = os.environ.get("TESTS_CACHE") != "off"
    yield CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name, cache_enabled=cached)  # type: ignore[arg-type]
    _remover.drop_database(name)


@pytest.fixture(scope="session")
def _reused(mongodb_uri: str) -> Iterator[Database[dict[str, object]]]:
    with MongoClient[dict[str, object]](mongodb_uri) as client:
        yield client[f"test_{uuid.uuid4().hex[:20]}"]


@pytest.fixture
def reused_settings(mongodb_uri: str, _reused: Database[dict[str, object]]) -> Iterator[CoreSettings]:
    """Return settings with a database that tests of one set of indexes use one after the other, each an empty one.

    To create the collections and indexes of an application takes MongoDB as long as a short test.
    """
    cached = os.environ.get("TESTS_CACHE") != "off"
    yield CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=_reused.name, cache_enabled=cached)  # type: ignore[arg-type]
    _reused["system.profile"].drop()
    for name in _reused.list_collection_names(filter={"name": {"$not": {"$regex": r"^system\."}}}):
        _reused[name].delete_many({})
