"""The report: medians with their range, ratios of each round's pairs, and each bar with what was measured."""

import importlib.metadata
import platform
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.machine import CONNECTIONS

Measured = Mapping[str, Sequence[Mapping[str, Any]]]
F = "F FastAPI, ready bytes"
_PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pymongo", "pydantic", "cachetools")
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
    """The whole page."""
    lines = [*_head(measured), *_throughput(measured), *_ratios(measured), *_sizes(sized), *_commands(commands)]
    return "\n".join([*lines, *_process(memory, started), ""])


def _head(measured: Measured) -> Iterator[str]:
    rounds = len(next(iter(measured.values())))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield "# Benchmark results"
    yield ""
    yield f"Written by `nox -s bench` on {datetime.now(UTC):%Y-%m-%d}: Python {platform.python_version()}"
    yield f"on {sys.platform} {platform.machine()}, {versions}."
    yield f"Median of {rounds} alternating rounds, {CONNECTIONS} connections; one worker on one core, load and MongoDB"
    yield "on another."
    yield "Ratios hold, absolute figures belong to the machine. A ratio is the median of the rounds' own ratios."


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
            ratios = _paired(measured[ours], measured[theirs], "per_second")
            met = "" if bar is None else f"at least {bar}: {'met' if statistics.median(ratios) >= bar else 'MISSED'}"
            yield f"| {ours} / {theirs} | {_shown(ratios)} | {met} |"


def _sizes(sized: Measured) -> Iterator[str]:
    yield from (
        "",
        "| latency without cache, one connection | median p50 ms | ratio | range | bar |",
        "|---|---|---|---|---|",
    )
    names = list(sized)
    for small, large in zip(names[::2], names[1::2], strict=True):
        ratios = _paired(sized[large], sized[small], "p50_ms")
        one, two = (statistics.median(r["p50_ms"] for r in sized[name]) for name in (small, large))
        met = "met" if statistics.median(ratios) <= 1.2 else "MISSED"  # noqa: PLR2004 - the bar
        yield f"| {large} / {small} | {two:.2f} / {one:.2f} | {_shown(ratios)} | at most 1.2: {met} |"


def _commands(commands: Mapping[str, float]) -> Iterator[str]:
    yield from ("", "| MongoDB commands of one request | |", "|---|---|")
    yield from (f"| {name} | {number:g} |" for name, number in commands.items())


def _process(memory: Mapping[str, float], started: Mapping[str, Sequence[float]]) -> Iterator[str]:
    yield from ("", "| process | ratio to FastAPI and PyMongo alone | range | bar |", "|---|---|---|---|")
    ratios = [ours / floor for ours, floor in zip(started["parley"], started["floor"], strict=True)]
    yield f"| start | {_shown(ratios)} | at most 1.5: {'met' if statistics.median(ratios) <= 1.5 else 'MISSED'} |"  # noqa: PLR2004
    ratio = memory["parley"] / memory["fastapi"]
    yield f"| memory under load | {ratio:.2f} | | at most 1.6: {'met' if ratio <= 1.6 else 'MISSED'} |"  # noqa: PLR2004


def _paired(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], what: str) -> list[float]:
    return [a[what] / b[what] for a, b in zip(ours, theirs, strict=True)]


def _shown(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} | {min(ratios):.2f}-{max(ratios):.2f}"
