"""How many files and connections this process may have open, and what part of that open streams may take."""

import sys

# For the log, listening sockets, the driver's own connections to members, and what a library opens.
_RESERVE = 64
# Beyond that it is memory that limits: an open stream takes about 36 KB.
_MOST_STREAMS = 10_000


def descriptor_limit() -> int | None:
    """Return how many descriptors this process may have at this moment (its soft limit); None for any number."""
    if sys.platform == "win32":
        # There is no such limit, and no module that asks for it.
        return None
    import resource  # noqa: PLC0415 - Windows has no such module

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


def streams_for(limit: int | None, *, pool_size: int) -> int:
    """Return how many streams may be open: half of the descriptors that neither MongoDB nor the reserve takes.

    The other half is for requests, so that open streams never keep anybody from being answered.

    Args:
        limit: the descriptors of the process; None for any number.
        pool_size: connections to MongoDB at most.
    """
    if limit is None:
        return _MOST_STREAMS
    return min(max((limit - _RESERVE - pool_size) // 2, 1), _MOST_STREAMS)
