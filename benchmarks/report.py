"""The reports: medians with their range, and the ratios of each round's pairs."""

import argparse
import importlib.metadata
import platform
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.bars import LEAST, MEMORY, SLOWEST, START, Bar, at_least, at_most
from benchmarks.machine import CONNECTIONS

Measured = Mapping[str, Sequence[Mapping[str, Any]]]
Compared = dict[str, dict[str, list[dict[str, float]]]]  # of each case, of "old" and "new", round by round
_PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pymongo", "pydantic", "cachetools")
_COSTS = {"start": "ms", "memory": "MB"}  # the unit of each
_RULE = "|---"


def head(options: argparse.Namespace) -> Iterator[str]:
    """Write what was measured, when and with what."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield "# Benchmark results"
    yield ""
    yield f"Written by `nox -s bench` on {datetime.now(UTC):%Y-%m-%d}: Python {platform.python_version()}"
    yield f"on {sys.platform} {platform.machine()}, {versions}."
    yield f"Medians of {options.rounds} alternating rounds, {CONNECTIONS} connections unless a table says otherwise;"
    yield "one worker on one core, the load and MongoDB on another. The absolute figures depend on the machine, the"
    yield "ratios do not. A ratio is the median of the ratios of each round."


def cases(measured: Measured) -> Iterator[str]:
    """Write what was measured of each case, and its ratios to others."""
    yield from ("", "| case | requests/s | range | server CPU us | p50 ms | p99 ms |", _RULE * 6 + "|")
    for name, results in measured.items():
        rates = [result["per_second"] for result in results]
        cells = f"{median(results, 'per_second'):,.0f} | {min(rates):,.0f}-{max(rates):,.0f}"
        times = f"{median(results, 'p50_ms'):.1f} | {median(results, 'p99_ms'):.1f}"
        yield f"| {name} | {cells} | {median(results, 'cpu_us'):,.0f} | {times} |"
    yield from ("", "| ratio of throughput | median | range | bar |", _RULE * 4 + "|")
    yield from _ratios(measured, LEAST, "per_second", at_least)
    yield from ("", "| ratio of p99 | median | range | bar |", _RULE * 4 + "|")
    yield from _ratios(measured, SLOWEST, "p99_ms", at_most)


def _ratios(
    measured: Measured, bars: Sequence[Bar], what: str, met: Callable[[Sequence[float], float | None], str]
) -> Iterator[str]:
    for ours, theirs, bar in bars:
        if theirs in measured:
            ratios = paired(measured[ours], measured[theirs], what)
            yield f"| {ours} / {theirs} | {shown(ratios)} | {met(ratios, bar)} |"


def memory(megabytes: Mapping[str, float]) -> Iterator[str]:
    """Write what the process needs that was loaded."""
    ratio = megabytes["parley"] / megabytes["fastapi"]
    yield from ("", "| memory under load | ratio to FastAPI and PyMongo alone | bar |", _RULE * 3 + "|")
    yield f"| {megabytes['parley']:.0f} MB / {megabytes['fastapi']:.0f} MB | {ratio:.2f} | {at_most([ratio], MEMORY)} |"


def starts(seconds: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Write how long a process takes to its open port."""
    ratios = [ours / floor for ours, floor in zip(seconds["parley"], seconds["floor"], strict=True)]
    yield from ("", "| process | ratio to FastAPI and PyMongo alone | range | bar |", _RULE * 4 + "|")
    yield f"| start | {shown(ratios)} | {at_most(ratios, START)} |"


def comparison(title: str, results: Compared, rounds: int) -> Iterator[str]:
    """Write a table of two sides, "old" and "new": requests first, then what a process costs."""
    yield f"{title}: medians of {rounds} alternating rounds. A ratio is the median of the ratios of each round."
    yield from ("", "| case | old/s | new/s | new / old | range | p50 ms old, new | p99 ms old, new |", _RULE * 7 + "|")
    for name, sides in results.items():
        if name not in _COSTS:
            old, new = sides["old"], sides["new"]
            rates = f"{median(old, 'per_second'):,.0f} | {median(new, 'per_second'):,.0f}"
            times = " | ".join(f"{median(old, key):.1f}, {median(new, key):.1f}" for key in ("p50_ms", "p99_ms"))
            yield f"| {name} | {rates} | {shown(paired(new, old, 'per_second'))} | {times} |"
    yield from ("", "| process | old | new | new / old | range |", _RULE * 5 + "|")
    for name, unit in _COSTS.items():
        if name in results:
            old, new = results[name]["old"], results[name]["new"]
            medians = f"{median(old, unit):,.0f} {unit} | {median(new, unit):,.0f} {unit}"
            yield f"| {name} | {medians} | {shown(paired(new, old, unit))} |"


def median(rounds: Sequence[Mapping[str, Any]], what: str) -> float:
    """Return the median of all rounds."""
    return float(statistics.median(result[what] for result in rounds))


def paired(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], what: str) -> list[float]:
    """Return the ratio of each round."""
    return [a[what] / b[what] for a, b in zip(ours, theirs, strict=True)]


def shown(ratios: Sequence[float]) -> str:
    """Write median and range as two cells."""
    return f"{statistics.median(ratios):.2f} | {min(ratios):.2f}-{max(ratios):.2f}"
