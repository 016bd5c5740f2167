"""What MongoDB did for a request, as its profiler has seen it."""

from collections.abc import Awaitable

import httpx

from parley_core import Database, Document


async def profiled(
    database: Database, collection: str, request: Awaitable[httpx.Response]
) -> tuple[httpx.Response, list[Document]]:
    """Return a request's answer, and what was done to a collection for it."""
    await database["system.profile"].drop()
    await database.command("profile", 2)
    try:
        answer = await request
    finally:
        await database.command("profile", 0)
    seen = await database["system.profile"].find({"ns": f"{database.name}.{collection}"}).to_list()
    return answer, [entry for entry in seen if not _of_the_relay(entry["command"])]


def _of_the_relay(command: Document) -> bool:
    """Return whether a command comes from the relay, or asks what waits for it, in all recorded collections at once."""
    return (
        "history.0.rev" in command.get("filter", {})
        or "$pull" in command.get("u", {})
        or "history.0.rev" in command.get("pipeline", [{}])[0].get("$match", {})
    )
