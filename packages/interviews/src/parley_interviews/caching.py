"""How answers are cached: what proves them current, who shares them, and which events invalidate lists."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from parley_auth import Access, ScopedAccess
from parley_core import Composition, Invalidation
from parley_core.caching.routes import CachedRead
from parley_core.data.invalidation import Generations
from parley_interviews.events import EVENTS
from parley_interviews.policy import lists_all

ALL = "interviews:all"


def list_of(user_id: str) -> str:
    """Return the generation of the lists of one user's own interviews."""
    return f"interviews:{user_id}"


def invalidated_lists(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lists that an event invalidates: the whole one, and those of all who took part before or after it."""
    yield ALL
    yield from (list_of(user_id) for user_id in event["audience"])


def _detail_viewer(access: ScopedAccess) -> Hashable:
    # Whether notes are shown, and `allowed_transitions`, follow from these and the status.
    return access.principal.role, access.principal.actions, access.resource.relation


async def _rev(_parley: Composition, access: ScopedAccess) -> int:
    return access.resource.validator


def _list_viewer(access: Access) -> Hashable:
    return access.principal.id, access.principal.role, access.principal.actions


async def _generation(parley: Composition, access: Access) -> int:
    return await parley.require(Generations).current(ALL if lists_all(access) else list_of(access.principal.id))


DETAIL = CachedRead(viewer=_detail_viewer, validator=_rev)
LIST = CachedRead(viewer=_list_viewer, validator=_generation)

INVALIDATIONS = [Invalidation(on=event.name, keys=invalidated_lists) for event in EVENTS]
