"""Participant scopes: how a package tells auth who participates in its resources, without auth knowing the package."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from parley_auth.models import Locked, Principal, Resource
from parley_core import Parley, ParleyError, Session

TOUCH: Mapping[str, Mapping[str, int]] = {"$inc": {"touched": 1}}
"""The update that locks a document for a transaction. It changes nothing that anybody reads; who watches the database
for changes can leave out the updates that set `touched`."""


class AccessOf(Protocol):
    """Read what the guard must know about a resource, fresh from the primary; return None when it doesn't exist."""

    def __call__(self, parley: Parley, resource_id: str, principal: Principal) -> Awaitable[Resource | None]: ...


class Begin(Protocol):
    """Begin the reads of `access_of` in the present turn (`PointReader.begin`), and wait for nothing.

    The caller's token is verified by then, and the id well-formed, but the caller isn't admitted.
    """

    def __call__(self, parley: Parley, resource_id: str) -> None: ...


class Lock(Protocol):
    """Touch the resource inside the caller's transaction, so that it cannot change before the transaction ends.

    The touch is the update `TOUCH`: it conflicts with every change of the resource's state and participants, raises no
    `rev` and writes no history.

    Args:
        parley: the application.
        session: the caller's transaction.
        resource_id: the resource.
        user_ids: the users whose relations the caller needs to know.
        action: the action whose states the resource must be in.

    Raises:
        ParleyError: the scope's `not_found` or `closed`.
    """

    def __call__(
        self, parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str
    ) -> Awaitable[Locked]: ...


@dataclass(frozen=True, kw_only=True)
class ParticipantScope:
    """A kind of resource that users participate in.

    Args:
        name: the name that policy rules use, like `ticket`.
        path_param: the path parameter, like `ticket_id`; every route with it needs a guard of the scope.
        relations: as what users can participate, like `owner`; auth adds `OUTSIDER` for everybody else.
        states: every state that a resource can be in.
        not_found: the error when the resource doesn't exist (404).
        closed: the error when its state forbids the action (400).
        access_of: reads what the guard needs.
        begin: begins those reads, so that they are under way while the caller's account is read; None where
            `access_of` makes no point reads.
        lock: keeps a resource unchanged until a transaction ends.
        shown_by: the actions outside of the scope, such as listing, from which an API key that may do nothing in it
            learns which resources exist; PARLEY_HIDE_EXISTENCE hides none from it.
    """

    name: str
    path_param: str
    relations: tuple[str, ...]
    states: tuple[str, ...]
    not_found: type[ParleyError]
    closed: type[ParleyError]
    access_of: AccessOf
    begin: Begin | None = None
    lock: Lock
    shown_by: frozenset[str] = frozenset()
