"""How many MongoDB commands one request makes, as MongoDB's profiler sees it."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pymongo.database import Database

from benchmarks.cases import LIST, Reader
from benchmarks.data import an_id
from benchmarks.machine import Server, call
from parley_core.data.database import application_name

_TIMES = 15


def commands(database: Database[dict[str, Any]], ask: Callable[[], object]) -> float:
    """Return the number of commands of one request.

    It is the median of several requests, since now and then something that runs beside makes a command too.
    """
    return statistics.median(_commands_of_one(database, ask) for _ in range(_TIMES))


def _commands_of_one(database: Database[dict[str, Any]], ask: Callable[[], object]) -> int:
    database["system.profile"].drop()
    database.command("profile", 2)
    try:
        ask()
    finally:
        database.command("profile", 0)
    return database["system.profile"].count_documents({"appName": application_name(database.name)})


def table(
    database: Database[dict[str, Any]], servers: Mapping[str, Server], readers: Sequence[Reader]
) -> Iterator[str]:
    """Count for each kind of read, with the cache and without.

    Raises:
        RuntimeError: no command was seen: the profiler looks for the wrong name.
    """
    paths = {"item": f"/v1/interviews/{an_id(2, 0)}", "list": f"/v1{LIST}"}
    paths["messages"] = f"/v1/interviews/{an_id(2, 0)}/messages"
    yield from ("", "| MongoDB commands of one request | |", "|---|---|")
    for label, server in (("", servers["parley"]), (", cache off", servers["uncached"])):
        for what, path in paths.items():
            call(server, path, readers[0].parley)
            made = commands(database, lambda s=server, p=path: call(s, p, readers[0].parley))  # type: ignore[misc]
            if not made:
                raise RuntimeError(f"{what}{label} made no command that the profiler has seen")
            yield f"| {what}{label} | {made:g} |"
