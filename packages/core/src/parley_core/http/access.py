"""The log line of a request, and which requests have none."""

import functools
import logging

from parley_core.log_lines import LogLine

PROBES = ("/healthz", "/readyz")
_log = logging.getLogger("parley.access")
is_logged = functools.partial(_log.isEnabledFor, logging.INFO)
"""Return whether requests are logged at the moment."""


class ProbeAnswers:
    """The last answer to each probe in this process: orchestrators ask again and again, and only a change is news."""

    def __init__(self) -> None:
        self._statuses: dict[str, int] = dict.fromkeys(PROBES, 200)

    def is_news(self, method: str, path: str, status: int) -> bool:
        """Return whether an answer is to be logged: that to a probe only when it differs from the one before.

        Args:
            method: the request's.
            path: its path, without the prefix of a proxy.
            status: the answer's. Before the first one it counts as 200.
        """
        if path not in PROBES or method not in {"GET", "HEAD"}:
            return True
        before, self._statuses[path] = self._statuses[path], status
        return status != before


def log_request(method: str, route: str, status: int, seconds: float, *, request_id: str) -> None:
    """Log a request, unless the level or the logger's filters leave it out.

    Args:
        method: its method; "-" where none can be read.
        route: the template of its route, never its path or query, which may contain tokens and names.
        status: that of its answer.
        seconds: how long that took.
        request_id: its id.
    """
    if not is_logged():
        return
    line = LogLine(
        "request",
        "{method} {route} {status} {ms}ms",
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        request_id=request_id,
    )
    # Where a line comes from is looked for by `info`, which takes a third of the time, and is always here.
    _log.handle(_log.makeRecord(_log.name, logging.INFO, __file__, 0, line, (), None))
