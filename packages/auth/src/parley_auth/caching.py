"""How answers about accounts are cached: what proves them current, who shares them, and which events invalidate them.

What isn't recorded, such as the sessions and networks of an account, is shown by none of these answers.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from parley_auth.authorization.access import Access
from parley_auth.events import EVENTS
from parley_core import Composition, Invalidation
from parley_core.caching.routes import CachedRead
from parley_core.data.invalidation import Generations

ALL = "users:all"


def account(user_id: str) -> str:
    """Return the generation of one account."""
    return f"users:{user_id}"


def invalidated(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an event invalidates: the account that it happened to, and every list."""
    yield ALL
    yield account(event["subject_id"])


def _everybody(_access: Access) -> None:
    """Whoever may read it sees the same."""


def _owner(access: Access) -> Hashable:
    return access.principal.id


async def _any_account(parley: Composition, _access: Access) -> int:
    return await parley.require(Generations).current(ALL)


async def _own_account(parley: Composition, access: Access) -> int:
    return await parley.require(Generations).current(account(access.principal.id))


def _begin_any(parley: Composition, _caller_id: str, _path: Mapping[str, Any]) -> None:
    parley.require(Generations).begin(ALL)


def _begin_own(parley: Composition, caller_id: str, _path: Mapping[str, Any]) -> None:
    parley.require(Generations).begin(account(caller_id))


OWN = CachedRead(viewer=_owner, validator=_own_account, ahead=_begin_own)
LIST = CachedRead(viewer=_everybody, validator=_any_account, ahead=_begin_any)
ONE = CachedRead(viewer=_everybody, validator=_any_account, ahead=_begin_any)
"""One account, whose id is in the path: the guard's result has no id, so that it shares the lists' generation."""

INVALIDATIONS = [Invalidation(on=event.name, keys=invalidated) for event in EVENTS]
