"""The routes of orchestrators."""

import pytest

from parley_core import Router
from parley_core.errors import Unavailable
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

router = Router(prefix="/notes", tag="notes")


@router.get("")
async def list_notes() -> list[str]:
    return []


async def test_both_answer(core_settings: CoreSettings) -> None:
    """With the database at hand the process is alive and ready; test_database.py takes it away."""
    async with running_client(an_application([core_settings], [a_plugin("notes", parley_routers=[router])])) as client:
        for path in ("/healthz", "/readyz"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


class _Kettle:
    """Decides about readiness."""

    def __init__(self) -> None:
        self.is_hot = True

    async def check_readiness(self) -> None:
        if not self.is_hot:
            raise Unavailable("The kettle is cold")


class _Teapot:
    """Has nothing to do with readiness."""

    async def check(self) -> None:
        pytest.fail("nobody asks it")


async def test_a_service_is_a_part_of_readiness(core_settings: CoreSettings) -> None:
    """It is asked each time; the process is alive all the same, and requests are answered."""
    kettle = _Kettle()
    plugin = a_plugin("notes", parley_routers=[router], parley_services=[kettle, _Teapot()])
    async with running_client(an_application([core_settings], [plugin])) as client:
        for kettle.is_hot in (True, False, True):
            answer = await client.get("/readyz")
            assert answer.status_code == (200 if kettle.is_hot else 503)
            assert (answer.json().get("detail") == "The kettle is cold") is not kettle.is_hot
            assert (await client.get("/healthz")).status_code == 200
