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
    seen = await database["system.profile"].find().to_list()
    own = [entry for entry in seen if entry["ns"] == f"{database.name}.{collection}" or _reads(entry, collection)]
    return answer, [entry for entry in own if not _of_the_relay(entry["command"])]


def is_shared_read(command: Document) -> bool:
    """Return whether a command has the point reads of several collections."""
    return "_id" in command.get("pipeline", [{}])[0].get("$match", {})


def _reads(entry: Document, collection: str) -> bool:
    """Return whether a shared read of other collections reads this one too."""
    command = entry.get("command", {})
    parts = [stage.get("$unionWith", {}) for stage in command.get("pipeline", [])] if is_shared_read(command) else []
    return any(part.get("coll") == collection for part in parts)


def _of_the_relay(command: Document) -> bool:
    """Return whether a command comes from the relay, or asks what waits for it, in all recorded collections at once."""
    return (
        "history.0.rev" in command.get("filter", {})
        or "$pull" in command.get("u", {})
        or "history.0.rev" in command.get("pipeline", [{}])[0].get("$match", {})
    )
