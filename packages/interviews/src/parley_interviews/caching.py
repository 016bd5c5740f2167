"""How answers are cached: what proves them current, who shares them, and which events invalidate lists."""

from collections.abc import Awaitable, Hashable, Iterator, Mapping
from typing import Any

from parley_auth import Access, ScopedAccess
from parley_auth.events import (
    USER_DEACTIVATED,
    USER_EMAIL_CHANGED,
    USER_INVITATION_ACCEPTED,
    USER_PASSWORD_RESET,
    USER_REACTIVATED,
    USER_ROLE_CHANGED,
    USER_UPDATED,
)
from parley_core import Composition, Invalidation
from parley_core.caching.routes import CachedRead
from parley_core.data.invalidation import Generations
from parley_interviews.events import INTERVIEW_EVENTS
from parley_interviews.policy import READ_INTERNAL, lists_all

ALL = "interviews:all"
PEOPLE = "participants:people"
"""The generation of what the lists of participants show of accounts: names, e-mail addresses and activity."""

# Every event with which one of these can change: whoever accepts a link may bring a name with it.
_ACCOUNT_EVENTS = (
    USER_UPDATED,
    USER_EMAIL_CHANGED,
    USER_ROLE_CHANGED,
    USER_DEACTIVATED,
    USER_REACTIVATED,
    USER_INVITATION_ACCEPTED,
    USER_PASSWORD_RESET,
)


def list_of(user_id: str) -> str:
    """Return the generation of the lists of one user's own interviews."""
    return f"interviews:{user_id}"


def invalidated_lists(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lists that an event invalidates: the whole one, and those of all who took part before or after it."""
    yield ALL
    yield from (list_of(user_id) for user_id in event["audience"])


def invalidated_people(_event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the generation of all lists of participants: an account may take part in any interview."""
    yield PEOPLE


def _detail_viewer(access: ScopedAccess) -> Hashable:
    # Whether notes are shown, and `allowed_transitions`, follow from these and the status.
    return access.principal.role, access.principal.actions, access.resource.relation


async def _rev(_parley: Composition, access: ScopedAccess) -> int:
    return access.resource.validator


def _list_viewer(access: Access) -> Hashable:
    return access.principal.id, access.principal.role, access.principal.actions


def _generation(parley: Composition, access: Access) -> Awaitable[int]:
    return parley.require(Generations).current(ALL if lists_all(access) else list_of(access.principal.id))


def _begin_generations(parley: Composition, caller_id: str, _path: Mapping[str, Any]) -> None:
    # Which of the two it is follows from the role, which is read at the same time.
    generations = parley.require(Generations)
    generations.begin(ALL)
    generations.begin(list_of(caller_id))


def _participants_viewer(access: ScopedAccess) -> Hashable:
    # Who sees everybody's e-mail sees what others see who do; who doesn't sees their own.
    return None if access.permits(READ_INTERNAL) else access.principal.id


async def _rev_and_people(parley: Composition, access: ScopedAccess) -> Hashable:
    return access.resource.validator, await parley.require(Generations).current(PEOPLE)


def _begin_people(parley: Composition, _caller_id: str, _path: Mapping[str, Any]) -> None:
    parley.require(Generations).begin(PEOPLE)


DETAIL = CachedRead(viewer=_detail_viewer, validator=_rev)
LIST = CachedRead(viewer=_list_viewer, validator=_generation, ahead=_begin_generations)
PARTICIPANTS = CachedRead(viewer=_participants_viewer, validator=_rev_and_people, ahead=_begin_people)

INVALIDATIONS = [
    *(Invalidation(on=event.name, keys=invalidated_lists) for event in INTERVIEW_EVENTS),
    *(Invalidation(on=event.name, keys=invalidated_people) for event in _ACCOUNT_EVENTS),
]
