"""The open files that the system allows this process, and how many of them are kept for all else than connections."""

import contextlib
import sys

from parley_core.descriptors import descriptor_limit

# What a process without a limit is taken to have.
_PLENTY = 2**20
# macOS says that there is no limit, and refuses to set more than this.
_OPEN_MAX = 10240
# For the log, the database's monitoring, deliveries of webhooks, and files that are sent.
_RESERVE = 112


def raise_limit() -> int:
    """Raise the limit of open files to the highest that this user may set, and return it."""
    if sys.platform == "win32":
        return _PLENTY
    import resource  # noqa: PLC0415 - Windows has no such module

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = _PLENTY if hard == resource.RLIM_INFINITY else min(hard, _PLENTY)
    for limit in (min(highest, _OPEN_MAX), highest):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return descriptor_limit() or _PLENTY


def reserve_of(limit: int, *, pool_size: int) -> int:
    """Return how many open files are kept for all else than connections: a reserve, and those to the database."""
    return min(_RESERVE + pool_size, limit // 2)
