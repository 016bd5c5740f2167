"""The routes of orchestrators."""

from parley_core import Router
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
