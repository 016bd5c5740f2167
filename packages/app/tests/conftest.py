from collections.abc import Iterator
from pathlib import Path

import pytest

from parley_app.testing import Serving, Start, install_plugin


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


# Routes that no feature has: endless answers, of much and of nothing, and one that takes time.
_PROBE = """
import asyncio

from fastapi.responses import StreamingResponse

from parley_core import PublicRoute, Router, hookimpl

_NAMES = ("endless", "pause", "slow", "waiting")
router = Router(prefix="/probe", tag="probe")


async def _endless():
    while True:
        await asyncio.sleep(0)
        yield b"x" * 65536


@router.get("/endless")
async def read_without_end() -> StreamingResponse:
    return StreamingResponse(_endless())


async def _waiting():
    yield b"x"
    await asyncio.sleep(3600)


@router.get("/waiting")
async def wait() -> StreamingResponse:
    return StreamingResponse(_waiting())


@router.get("/slow")
async def read_slowly() -> str:
    await asyncio.sleep(0.02)
    return "slow"


@router.get("/pause")
async def pause() -> str:
    await asyncio.sleep(5)
    return "paused"


@hookimpl
def parley_routers():
    return [router]


@hookimpl
def parley_public_routes():
    return [PublicRoute("GET", f"/v1/probe/{name}", "a test reads it") for name in _NAMES]
"""


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin `probe`, for the path."""
    folder = tmp_path_factory.mktemp("probe")
    install_plugin(folder, "probe", _PROBE)
    return folder


@pytest.fixture(scope="session")
def probed(tmp_path_factory: pytest.TempPathFactory, probe: Path) -> Iterator[Serving]:
    """One impatient `parley serve` with the plugin `probe`, for tests that misuse connections."""
    folder = tmp_path_factory.mktemp("probed")
    starter = Start(folder)
    settings = {"PARLEY_HEADER_SECONDS": "0.5", "PARLEY_WRITE_SECONDS": "0.5", "PYTHONPATH": str(probe)}
    yield starter("--data-dir", folder / "data", **settings)
    starter.end_all()
