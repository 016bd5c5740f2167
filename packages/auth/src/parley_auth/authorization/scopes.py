"""Participant scopes: how a package tells auth who takes part in its resources, without auth knowing it."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from parley_auth.models import Locked, Principal, Resource
from parley_core import Parley, ParleyError, Session


class AccessOf(Protocol):
    """Reads, fresh from the primary, what the guard must know of a resource; None when it doesn't exist."""

    def __call__(self, parley: Parley, resource_id: str, principal: Principal) -> Awaitable[Resource | None]: ...


class Lock(Protocol):
    """Touches the resource inside the caller's transaction, so that it can't change before that ends.

    The touch conflicts with every change of the resource's state and membership. It raises no `rev` and
    writes no history.

    Args:
        parley: the application.
        session: the caller's transaction.
        resource_id: the resource.
        user_ids: whose participation the caller wants to know.
        action: the action whose states the resource must be in.

    Raises:
        ParleyError: the scope's `not_found` or `closed`.
    """

    def __call__(
        self, parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str
    ) -> Awaitable[Locked]: ...


@dataclass(frozen=True, kw_only=True)
class ParticipantScope:
    """A kind of resource that people take part in.

    Args:
        name: the word that policy rules use, like `interview`.
        path_param: every route whose path holds this parameter needs a guard of the scope, like `interview_id`.
        states: every state that a resource can be in.
        not_found: answered when the resource doesn't exist (404).
        closed: answered when its state forbids the action (400).
        access_of: reads what the guard needs.
        hold: keeps a resource unchanged for the time of a transaction.
    """

    name: str
    path_param: str
    states: tuple[str, ...]
    not_found: type[ParleyError]
    closed: type[ParleyError]
    access_of: AccessOf
    lock: Lock
