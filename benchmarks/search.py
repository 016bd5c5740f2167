"""Measure what finding interviews by words of their titles costs, against whole words alone, the first release's way.

python -m benchmarks.search [--titles 200000]

It starts an embedded MongoDB with two databases of the same interviews. In one their words are stored as the first
release did it; in the other Parley has completed them. It prints times of a page with its total, and sizes.
"""

import argparse
import asyncio
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from benchmarks.data import stored_interview
from parley_core import Database
from parley_core.embedded import embedded_mongodb
from parley_interviews.indexes import INDEXES, INTERVIEWS, WORDS_NEWEST
from parley_interviews.interviews.title_words import TitleWords, sought

ROUNDS = 25
BATCH = 5000
_NEWEST = [("created_at", -1), ("_id", -1)]
_PARTS: Sequence[Sequence[str]] = (
    ("Junior", "Senior", "Lead", "Principal", "Staff"),
    ("Backend", "Frontend", "Platform", "Infrastructure", "Mobile", "Data", "Security", "Machine Learning", "Design"),
    ("Engineer", "Developer", "Engineering Manager", "Analyst", "Architect", "Researcher", "Designer"),
    ("Berlin,", "Amsterdam,", "Kraków,", "München,", "São Paulo,", "Copenhagen,"),
    ("first round", "second round", "system design", "culture", "pair programming", "final with the team"),
)
WORDS = ("backend", "berlin", "developer", "infrastructure", "programming", "data", "team", "round", "4711")


def titles(number: int) -> Iterator[str]:
    """Return titles of some seven words each, the same in each run."""
    chosen = random.Random(7)  # noqa: S311 - test data
    for n in range(number):
        yield " ".join([*(chosen.choice(part) for part in _PARTS), str(n % 5000)])


def whole_words(text: str) -> list[str]:
    """Return the stored words of the first release."""
    return list(dict.fromkeys(re.findall(r"\w+", text.casefold())))


async def measure(uri: str, number: int) -> None:
    """Fill both databases, and print what each costs."""
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        before, after = Database(client, "before"), Database(client, "after")
        for database in (before, after):
            await _fill(database, number)
        sizes = [await _sizes(before, number)]
        started = time.perf_counter()
        await TitleWords(after).complete()
        seconds = time.perf_counter() - started
        sizes.append(await _sizes(after, number))
        print(f"completing {number} titles took {seconds:.0f} s, {number / seconds:.0f} a second\n")
        _print_sizes(*sizes)
        await _print_times(before, after)


async def _fill(database: Database, number: int) -> None:
    await database[INTERVIEWS].create_indexes(list(INDEXES[0].indexes))
    batch = []
    for n, title in enumerate(titles(number)):
        batch.append(stored_interview(n, f"{n % 1000:024x}") | {"title": title, "title_words": whole_words(title)})
        if len(batch) == BATCH or n == number - 1:
            await database[INTERVIEWS].insert_many(batch, ordered=False)
            batch = []


async def _sizes(database: Database, number: int) -> dict[str, float]:
    found = await database[INTERVIEWS].aggregate([{"$collStats": {"storageStats": {}}}])
    [stats] = [one["storageStats"] for one in await found.to_list()]
    return {
        "bytes of a document": stats["size"] / number,
        "bytes of the index of words for a document": stats["indexSizes"][WORDS_NEWEST] / number,
        "bytes of all indexes for a document": stats["totalIndexSize"] / number,
    }


def _print_sizes(before: dict[str, float], after: dict[str, float]) -> None:
    print("| size | before | after | ratio |", "|---|---|---|---|", sep="\n")
    for name, size in before.items():
        print(f"| {name} | {size:.0f} | {after[name]:.0f} | {after[name] / size:.2f} |")


async def _print_times(before: Database, after: Database) -> None:
    print("\n| `q` | found | p50 ms before | p50 ms after | ratio |", "|---|---|---|---|---|", sep="\n")
    ratios = []
    for word in WORDS:
        times: tuple[list[float], list[float]] = ([], [])
        found = 0
        for _ in range(ROUNDS):
            for taken, database, terms in zip(times, (before, after), ([word], sought(word)), strict=True):
                seconds, found = await _page(database, terms)
                taken.append(seconds)
        old, new = (statistics.median(taken) * 1000 for taken in times)
        ratios.append(new / old)
        print(f"| {word} | {found} | {old:.2f} | {new:.2f} | {new / old:.2f} |")
    print(f"| median | | | | {statistics.median(ratios):.2f} |")


async def _page(database: Database, terms: Sequence[str]) -> tuple[float, int]:
    interviews, where = database[INTERVIEWS], {"title_words": {"$all": list(terms)}}
    started = time.perf_counter()
    page = interviews.find(where).sort(_NEWEST).limit(21).to_list()
    _, found = await asyncio.gather(page, interviews.count_documents(where))
    return time.perf_counter() - started, found


def main() -> None:
    """Measure on an embedded MongoDB of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--titles", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="search") as folder, embedded_mongodb(Path(folder)) as uri:
        asyncio.run(measure(uri, options.titles))


if __name__ == "__main__":
    main()
