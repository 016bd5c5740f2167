"""The reports: medians with their range, the ratios of each round's pairs, and the bars that Parley must meet."""

import importlib.metadata
import platform
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.machine import CONNECTIONS

Measured = Mapping[str, Sequence[Mapping[str, Any]]]
Compared = dict[str, dict[str, list[dict[str, float]]]]  # of each case, of "old" and "new", round by round
F = "F FastAPI, ready bytes"
_PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pymongo", "pydantic", "cachetools")
_COSTS = {"start": "ms", "memory": "MB"}  # the unit of each
_RULE = "|---"
BARS = [
    ("Parley item", F, 0.45),
    ("Parley item", "naive item", 2.0),
    ("Parley item", "eve item", 4.0),
    ("Parley item", "fastify item", 1.4),
    ("Parley list", F, 0.4),
    ("Parley list", "eve list", 6.0),
    ("Parley list", "fastify list", 1.5),
    ("Parley list", "naive list", None),
    ("Parley messages", F, 0.4),
    ("Parley messages", "eve list", 6.0),
    ("Parley messages", "fastify list", 1.5),
    ("Parley create", "naive create", None),
    ("Parley create", "eve create", None),
    ("Parley create", "fastify create", None),
]


def written(
    measured: Measured,
    sized: Measured,
    commands: Mapping[str, float],
    memory: Mapping[str, float],
    started: Mapping[str, Sequence[float]],
) -> str:
    """Return the text of RESULTS.md."""
    lines = [*_head(measured), *_throughput(measured), *_ratios(measured), *_sizes(sized), *_commands(commands)]
    return "\n".join([*lines, *_process(memory, started), ""])


def _head(measured: Measured) -> Iterator[str]:
    rounds = len(next(iter(measured.values())))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield "# Benchmark results"
    yield ""
    yield f"Written by `nox -s bench` on {datetime.now(UTC):%Y-%m-%d}: Python {platform.python_version()}"
    yield f"on {sys.platform} {platform.machine()}, {versions}."
    yield f"Median of {rounds} alternating rounds, {CONNECTIONS} connections; one worker on one core, the load and"
    yield "MongoDB on another. The absolute figures depend on the machine, the ratios do not. A ratio is the median of"
    yield "the ratios of each round."


def _throughput(measured: Measured) -> Iterator[str]:
    yield from ("", "| case | requests/s | range | server CPU us | p99 ms |", "|---|---|---|---|---|")
    for name, results in measured.items():
        rates = [r["per_second"] for r in results]
        cpu, p99 = (statistics.median(r[key] for r in results) for key in ("cpu_us", "p99_ms"))
        median, low, high = statistics.median(rates), min(rates), max(rates)
        yield f"| {name} | {median:,.0f} | {low:,.0f}-{high:,.0f} | {cpu:,.0f} | {p99:.1f} |"


def _ratios(measured: Measured) -> Iterator[str]:
    yield from ("", "| ratio of throughput | median | range | bar |", "|---|---|---|---|")
    for ours, theirs, bar in BARS:
        if theirs in measured:
            ratios = paired(measured[ours], measured[theirs], "per_second")
            met = "" if bar is None else f"at least {bar}: {'met' if statistics.median(ratios) >= bar else 'MISSED'}"
            yield f"| {ours} / {theirs} | {shown(ratios)} | {met} |"


def _sizes(sized: Measured) -> Iterator[str]:
    yield from (
        "",
        "| latency without cache, one connection | median p50 ms | ratio | range | bar |",
        "|---|---|---|---|---|",
    )
    names = list(sized)
    for small, large in zip(names[::2], names[1::2], strict=True):
        ratios = paired(sized[large], sized[small], "p50_ms")
        one, two = (statistics.median(r["p50_ms"] for r in sized[name]) for name in (small, large))
        met = "met" if statistics.median(ratios) <= 1.2 else "MISSED"  # noqa: PLR2004 - the bar
        yield f"| {large} / {small} | {two:.2f} / {one:.2f} | {shown(ratios)} | at most 1.2: {met} |"


def _commands(commands: Mapping[str, float]) -> Iterator[str]:
    yield from ("", "| MongoDB commands of one request | |", "|---|---|")
    yield from (f"| {name} | {number:g} |" for name, number in commands.items())


def _process(memory: Mapping[str, float], started: Mapping[str, Sequence[float]]) -> Iterator[str]:
    yield from ("", "| process | ratio to FastAPI and PyMongo alone | range | bar |", "|---|---|---|---|")
    ratios = [ours / floor for ours, floor in zip(started["parley"], started["floor"], strict=True)]
    yield f"| start | {shown(ratios)} | at most 1.5: {'met' if statistics.median(ratios) <= 1.5 else 'MISSED'} |"  # noqa: PLR2004
    ratio = memory["parley"] / memory["fastapi"]
    yield f"| memory under load | {ratio:.2f} | | at most 1.6: {'met' if ratio <= 1.6 else 'MISSED'} |"  # noqa: PLR2004


def comparison(title: str, results: Compared, rounds: int) -> Iterator[str]:
    """Write a table of two sides, "old" and "new": requests first, then what a process costs."""
    yield f"{title}: medians of {rounds} alternating rounds. A ratio is the median of the ratios of each round."
    yield from ("", "| case | old/s | new/s | new / old | range | p50 ms old, new | p99 ms old, new |", _RULE * 7 + "|")
    for name, sides in results.items():
        if name not in _COSTS:
            old, new = sides["old"], sides["new"]
            rates = f"{_median(old, 'per_second'):,.0f} | {_median(new, 'per_second'):,.0f}"
            times = " | ".join(f"{_median(old, key):.1f}, {_median(new, key):.1f}" for key in ("p50_ms", "p99_ms"))
            yield f"| {name} | {rates} | {shown(paired(new, old, 'per_second'))} | {times} |"
    yield from ("", "| process | old | new | new / old | range |", _RULE * 5 + "|")
    for name, unit in _COSTS.items():
        if name in results:
            old, new = results[name]["old"], results[name]["new"]
            medians = f"{_median(old, unit):,.0f} {unit} | {_median(new, unit):,.0f} {unit}"
            yield f"| {name} | {medians} | {shown(paired(new, old, unit))} |"


def _median(rounds: Sequence[Mapping[str, Any]], what: str) -> float:
    return float(statistics.median(result[what] for result in rounds))


def paired(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], what: str) -> list[float]:
    """Return the ratio of each round."""
    return [a[what] / b[what] for a, b in zip(ours, theirs, strict=True)]


def shown(ratios: Sequence[float]) -> str:
    """Write median and range as two cells."""
    return f"{statistics.median(ratios):.2f} | {min(ratios):.2f}-{max(ratios):.2f}"
