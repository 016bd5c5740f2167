"""The rank test of Mann and Whitney: whether one of two samples tends to be larger, without assuming a distribution."""

import math
from collections.abc import Sequence


def rank_z(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return how many standard deviations the ranks of `ones` lie above what equal distributions give.

    Beyond 20 values on each side this is normally distributed for equal distributions: over 3.9 comes once in 10,000.
    """
    ranked = sorted([(value, 0) for value in ones] + [(value, 1) for value in others])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, start=1) if side == 0)
    n, m = len(ones), len(others)
    u = ranks - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
