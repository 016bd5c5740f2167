"""The bars that Parley must meet. Each ratio is that of the pairs of each round, and its median counts."""

import statistics
from collections.abc import Sequence

F = "F FastAPI, ready bytes"
Bar = tuple[str, str, float | None]
LEAST: Sequence[Bar] = (
    ("Parley item", F, 0.6),
    ("Parley item", "naive item", 2.0),
    ("Parley item", "beanie item", None),
    ("Parley item", "eve item", 4.0),
    ("Parley item", "fastify item", 1.4),
    ("Parley list", F, 0.65),
    ("Parley list", "naive list", None),
    ("Parley list", "beanie list", None),
    ("Parley list", "eve list", 6.0),
    ("Parley list", "fastify list", 1.5),
    ("Parley messages", F, 0.55),
    ("Parley messages", "eve list", 6.0),
    ("Parley messages", "fastify list", 1.5),
    ("Parley item, cache off", "naive item", 1.55),
    ("Parley list, cache off", "naive list", 1.2),
    ("Parley list, cache off", "fastify list", 0.8),
    ("Parley create", "naive create", 1.0),
    ("Parley create", "beanie create", None),
    ("Parley create", "eve create", 1.6),
    ("Parley create", "fastify create", None),
    ("Parley patch", "bare update", 0.9),
    ("Parley assign", "bare update", 0.9),
    ("Parley status", "bare update", None),
)
"""At least this much of another case's requests per second; None where no bar is set."""
SLOWEST: Sequence[Bar] = (("Parley create", "naive create", 1.0),)
"""At most this much of another case's 99th percentile."""
ALONE = {"item": 3.2, "list": 3.2, "messages": 3.8}
"""At most this much of one `find_one` through the driver, in the latency of one request alone."""
GROWTH = {
    **dict.fromkeys(("item", "list", "post", "history", "list of an administrator"), 1.2),
    **dict.fromkeys(("messages, from the middle on", "events, from the middle on"), 1.2),
    **{f"{name}, another {what}": 1.2 for name in ("status", "two filters") for what in ("page", "order")},
    **{f"q, another {what}": 2.0 for what in ("page", "order")},
}
"""At most this much of the same request's latency in the smallest database."""
START, MEMORY = 1.5, 1.6
"""At most this much of a process with FastAPI and PyMongo alone."""


def at_least(ratios: Sequence[float], bar: float | None) -> str:
    """Write whether ratios reach a bar."""
    return "" if bar is None else f"at least {bar:g}: {_word(statistics.median(ratios) >= bar)}"


def at_most(ratios: Sequence[float], bar: float | None) -> str:
    """Write whether ratios stay under a bar."""
    return "" if bar is None else f"at most {bar:g}: {_word(statistics.median(ratios) <= bar)}"


def _word(is_met: bool) -> str:  # noqa: FBT001 - what it says
    return "met" if is_met else "MISSED"
