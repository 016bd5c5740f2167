"""Users, roles, and what a guard knows about a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ADMIN = "admin"
"""The role of administrators, which auth itself brings."""

OUTSIDER = "outsider"
"""The relation of everybody who doesn't participate in a resource."""


@dataclass(frozen=True)
class Role:
    """A role that accounts can have. The stored role decides what an account may do, never a token's.

    Args:
        name: like `editor`.
        description: whom it is for.
        registers: whether it is the role of those who register by themselves; one role at most is.
    """

    name: str
    description: str
    registers: bool = False


class AccountState(StrEnum):
    """Where an account stands: invited until a password is set, then active; deactivated by an administrator."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True)
class User:
    """An account as other packages see it: without password, tokens and history.

    Args:
        id: its id.
        email: its e-mail, normalised.
        name: its name, if it has one.
        role: the name of a declared role.
        active: False after a deactivation.
        created_at: when it was created.
        invited: whether nobody has set a password yet, so that nobody can log in.
        verified: whether its owner has ever proved that they read what is sent to its e-mail.
    """

    id: str
    email: str
    name: str | None
    role: str
    active: bool
    created_at: datetime
    invited: bool = False
    verified: bool = False

    @property
    def state(self) -> AccountState:
        """Where the account stands."""
        if not self.active:
            return AccountState.DEACTIVATED
        return AccountState.INVITED if self.invited else AccountState.ACTIVE


@dataclass(frozen=True)
class Credentials:
    """The part of an account that a login is checked against; an invited account has no password hash."""

    user: User
    password_hash: str | None
    token_version: int
    known_networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claims:
    """The content of a verified access token.

    Args:
        user_id: the account that it was issued to.
        session_id: the login that it belongs to.
        token_version: the account's token version at the time of issue; a later version invalidates the token.
        expires_at: seconds since 1970.
        begins_at: the same, of the later one of the times when it was issued and from which on it is valid.
    """

    user_id: str
    session_id: str
    token_version: int
    expires_at: int
    begins_at: int = 0


@dataclass(frozen=True)
class Principal:
    """The authenticated caller, read from the database for this one request.

    Args:
        id: the account's id.
        role: the account's role now.
        session_id: the login that the access token belongs to; the key's id where an API key was sent.
        actions: the only actions that an API key may do; None for a person.
    """

    id: str
    role: str
    session_id: str
    actions: frozenset[str] | None = None


@dataclass(frozen=True)
class Resource:
    """What the owner of a scope knows about a resource and how one principal stands to it.

    Args:
        id: the resource's id.
        state: the state that policy rules are checked against.
        relation: as what the principal participates, one of the scope's relations; `OUTSIDER` when they don't.
        validator: changes with every change of the resource, so that a cached answer can be proved current.
    """

    id: str
    state: str
    relation: str
    validator: int


@dataclass(frozen=True)
class Locked:
    """A resource that cannot change before the caller's transaction ends.

    Args:
        state: its state.
        relations: user id -> relation, for those user ids that were asked about and participate.
    """

    state: str
    relations: Mapping[str, str]
