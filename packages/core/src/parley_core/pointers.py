"""How an error names a place in what was sent, without repeating what can't be repeated safely."""

import re
from collections.abc import Iterable

_NAMEABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def nameable(name: str) -> str:
    """Return a name that a caller chose if it can be repeated to them safely; else "?"."""
    return name if _NAMEABLE.fullmatch(name) else "?"


def pointer_to(path: Iterable[int | str]) -> str:
    """Return the JSON pointer (RFC 6901) to a value of the body, with "?" for names that can't be repeated."""
    return "#" + "".join(f"/{part if isinstance(part, int) else nameable(part)}" for part in path)
