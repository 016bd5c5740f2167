"""The rules of API keys."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from parley_auth.authorization.access import Access
from parley_auth.authorization.policy_table import PolicyTable
from parley_auth.errors import KeyNotFound, PermissionDenied, TooManyKeys
from parley_auth.events import USER_KEY_CREATED, USER_KEY_REVOKED
from parley_auth.keys import schemas
from parley_auth.keys.models import ApiKey, KeyText
from parley_auth.keys.repository import KeyRepository
from parley_auth.security_log import log_security_event
from parley_core import Actor, Clock, Event, EventType, new_id
from parley_core.errors import FieldError, ValidationError
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import CursorQuery, Listing
from parley_core.http.sorting import Places, SortKeys

_SORT_KEYS = SortKeys({"created_at": datetime}, default="created_at")


class KeyService:
    """Creates, lists and revokes API keys.

    Args:
        keys: where they are stored.
        cursors: seals the places at which their list is continued.
        clock: returns the time.
    """

    def __init__(self, *, keys: KeyRepository, cursors: Cursors, clock: Clock) -> None:
        self._keys = keys
        self._places = Places(_SORT_KEYS, cursors, of="api_keys")
        self._clock = clock

    async def create(self, wanted: schemas.ApiKeyCreate, access: Access) -> schemas.IssuedApiKey:
        """Create a key that acts as the caller, with these actions and no others.

        Raises:
            ValidationError: an action is named twice, is unknown, or no key may have it.
            TooManyKeys: the caller has 50 keys.
            PermissionDenied: the caller is no active administrator any more.
        """
        _check(wanted.actions, access.policy)
        key, text = self._new(wanted, access.principal.id)
        if not await self._keys.add(key, text.digest, self._event(USER_KEY_CREATED, key, access.actor)):
            raise TooManyKeys if await self._keys.is_full(key.created_by) else PermissionDenied
        log_security_event(
            "key_created",
            access.request_id,
            user_id=key.created_by,
            by=access.actor.id,
            key_id=key.id,
            actions=" ".join(key.actions),
        )
        return schemas.IssuedApiKey.model_validate({**vars(key), "key": text.text})

    async def page(self, query: CursorQuery) -> Listing[ApiKey]:
        """Return a page of all keys, oldest first; raise `InvalidCursor` (400)."""
        place = self._places.asked_for(query)
        found = await self._keys.page(place, limit=query.limit, counts=query.total)
        return self._places.listing(place, found, found.items)

    async def revoke(self, key_id: str, actor: Actor) -> None:
        """Remove a key, whoever created it; raise `KeyNotFound` (404)."""
        key = await self._keys.by_id(key_id)
        if key is None or not await self._keys.remove(key, self._event(USER_KEY_REVOKED, key, actor)):
            raise KeyNotFound
        log_security_event("key_revoked", actor.request_id, user_id=key.created_by, by=actor.id, key_id=key.id)

    def _new(self, wanted: schemas.ApiKeyCreate, user_id: str) -> tuple[ApiKey, KeyText]:
        now, days = self._clock(), wanted.expires_in_days
        key = ApiKey(
            id=new_id(),
            name=wanted.name,
            actions=tuple(wanted.actions),
            created_by=user_id,
            created_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
        )
        return key, KeyText.new(user_id, key.id)

    def _event(self, kind: EventType, key: ApiKey, actor: Actor) -> Event:
        """Return the event of a key that comes or goes; its name, which may be anybody's, is left out."""
        shown = {"id": key.id, "actions": list(key.actions)}
        change = (None, shown) if kind == USER_KEY_CREATED else (shown, None)
        return Event(type=kind, at=self._clock(), actor=actor, changes={"key": change}, audience=(key.created_by,))


def _check(actions: Sequence[str], policy: PolicyTable) -> None:
    """Raise `ValidationError` (400) unless each action may be a key's and is named once."""
    if errors := list(_errors_in(actions, policy)):
        raise ValidationError(errors=errors)


def _errors_in(actions: Sequence[str], policy: PolicyTable) -> Iterator[FieldError]:
    grantable = policy.grantable
    message = f"Must be one of: {', '.join(grantable)}"
    for place, action in enumerate(actions):
        if action not in grantable:
            yield FieldError(f"#/actions/{place}", "enum", message)
        elif action in actions[:place]:
            yield FieldError(f"#/actions/{place}", "duplicate", "Must be named once")
