"""Compare this working tree with an older commit: both are served side by side and measured in alternating rounds.

Of the older commit only its HTTP API, `parley_app:create_app` and `fill` of its benchmarks/data.py are used.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from benchmarks.cases import INTERVIEWS, Case, accounts, reads, writes
from benchmarks.checkout import checked_out, commit_of, installed
from benchmarks.machine import LOAD_CORE, ROOT, Server
from benchmarks.report import Compared, comparison
from benchmarks.servers import Tree, mongodb, parley

UNCACHED = "list, cache off"
REQUESTS = ("item", "list", "me", "messages", UNCACHED, "create", "patch", "post")
CASES = (*REQUESTS, "start", "memory")
_MESSAGES = 10_000
_WARM_UP_SECONDS = 0.5
# Each side writes its documents with its own code, since their form is not the same in every commit.
_FILL = """
import json, random, sys
from pymongo import MongoClient
from benchmarks.data import fill

uri, database, readers, interviews, messages = sys.argv[1:]
random.seed(0)
with MongoClient(uri) as client:
    fill(client[database], json.loads(readers), interviews=int(interviews), messages=int(messages))
"""
T = TypeVar("T")


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    name: str
    server: Server
    cases: Mapping[str, Case]


def compare(revision: str, chosen: Collection[str], *, rounds: int, seconds: float) -> None:
    """Measure both sides and print a table.

    Args:
        revision: the older commit.
        chosen: the cases to measure, out of `CASES`.
        rounds: how many rounds count; one more comes before them.
        seconds: how long each case is measured in each round.
    """
    commit = commit_of(revision)
    # A program that is terminated still removes its worktree and ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results: Compared = {}
    with checked_out(commit) as root, tempfile.TemporaryDirectory(prefix="bench") as folder, ExitStack() as stack:
        trees = {"old": installed(root, Path(folder, "old")), "new": installed(ROOT, Path(folder, "new"))}
        os.sched_setaffinity(0, {LOAD_CORE})
        uri = stack.enter_context(mongodb())
        if "start" in chosen:
            results["start"] = starts(uri, trees, rounds)
        if set(chosen) - {"start"}:
            sides = [stack.enter_context(_side(uri, name, tree)) for name, tree in trees.items()]
            results |= measure(sides, chosen, rounds=rounds, seconds=seconds)
    print(*comparison(f"{commit[:10]} (old) and the working tree (new)", results, rounds), sep="\n")


def starts(uri: str, trees: Mapping[str, Tree], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Return the milliseconds from the start of a process to its open port, of each side."""
    taken: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number, order in _alternating(list(trees.items()), rounds):
        for name, tree in order:
            with parley(uri, f"bench_{name}_start", tree=tree) as server:
                if number:
                    taken[name].append({"ms": server.started_in * 1000})
    return taken


@contextmanager
def _side(uri: str, name: str, tree: Tree) -> Iterator[Side]:
    """Fill a database with the code of a tree, and serve it."""
    database = f"bench_{name}"
    admin, readers = accounts(uri, database, tree)
    fill = [tree.python, "-c", _FILL, uri, database, json.dumps([reader.id for reader in readers])]
    cwd = tree.root if (tree.root / "benchmarks" / "data.py").exists() else ROOT
    subprocess.run([*fill, str(INTERVIEWS), str(_MESSAGES)], cwd=cwd, check=True)
    uncached = parley(uri, database, "uncached", tree=tree, PARLEY_CACHE_ENABLED="false")
    with parley(uri, database, tree=tree) as server, uncached as other:
        cases = {case.name: case for case in (*reads(server, readers), *writes(server, admin, readers))}
        cases[UNCACHED] = replace(cases["list"], server=other)
        yield Side(name, server, cases)


def measure(sides: Sequence[Side], chosen: Collection[str], *, rounds: int, seconds: float) -> Compared:
    """Measure each case on both sides in each round, and the servers' memory after each round."""
    results: Compared = {name: {side.name: [] for side in sides} for name in CASES if name in {*chosen} - {"start"}}
    for number, order in _alternating(sides, rounds):
        for name in (name for name in REQUESTS if name in chosen):
            for side in order:
                result = side.cases[name].measure(seconds if number else _WARM_UP_SECONDS)
                if number:
                    results[name][side.name].append(result)
        if "memory" in chosen and number:
            for side in sides:
                results["memory"][side.name].append({"MB": side.server.memory_mb()})
    return results


def _alternating(sides: Sequence[T], rounds: int) -> Iterator[tuple[int, Sequence[T]]]:
    """Return the number of each round, 0 for the warm-up, with the order of its sides."""
    for number in range(rounds + 1):
        yield number, sides if number % 2 else sides[::-1]
