"""The prefix under which a proxy serves the application, whether the proxy passes it on or not."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

# Without dots alone, which clients and proxies resolve.
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[\w.~-]+)+", re.ASCII)


def is_root_path(path: str) -> bool:
    """Return whether this is a prefix such as `/parley`: it begins with a slash, ends with none and needs no escape."""
    return _PATH.fullmatch(path) is not None


class UnderRootPath:
    """Pure ASGI middleware: says the prefix as ASGI has it, in `root_path` and at the beginning of `path`.

    Args:
        app: the application.
        prefix: what a caller's paths begin with.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope["root_path"] = self._prefix
            if not scope["path"].startswith(f"{self._prefix}/"):
                scope["path"] = self._prefix + scope["path"]
                scope["raw_path"] = self._prefix.encode() + (scope.get("raw_path") or b"")
        await self.app(scope, receive, send)
