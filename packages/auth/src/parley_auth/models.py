"""Users, roles, and what a guard knows about a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The role of an account; the stored role decides, never a token's."""

    ADMIN = "admin"
    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


@dataclass(frozen=True)
class User:
    """An account as other packages see it: without password, tokens and history."""

    id: str
    email: str
    name: str | None
    role: Role
    active: bool
    created_at: datetime


@dataclass(frozen=True)
class Credentials:
    """The part of an account that a login is checked against."""

    user: User
    password_hash: str
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
    """

    user_id: str
    session_id: str
    token_version: int
    expires_at: int


@dataclass(frozen=True)
class Principal:
    """The authenticated caller, read from the database for this one request.

    Args:
        id: the account's id.
        role: the account's role now.
        session_id: the login that the access token belongs to.
    """

    id: str
    role: Role
    session_id: str


@dataclass(frozen=True)
class Resource:
    """What the owner of a scope knows about a resource and one principal's part in it.

    Args:
        id: the resource's id.
        state: the state that policy rules are checked against.
        member: whether the principal is a participant.
        validator: changes with every change of the resource, so that a cached answer can be proved current.
    """

    id: str
    state: str
    member: bool
    validator: int


@dataclass(frozen=True)
class Locked:
    """A resource that cannot change before the caller's transaction ends.

    Args:
        state: its state.
        participants: user id -> participant role, for those user ids that were asked about and participate.
    """

    state: str
    participants: Mapping[str, str]
