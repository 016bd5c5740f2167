"""Users, roles and what a guard knows of a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What an account may be; the stored role decides, never a token's."""

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
    """What a login is checked against."""

    user: User
    password_hash: str
    token_version: int
    known_networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claims:
    """What a verified access token says.

    Args:
        user_id: whose it is.
        session_id: the login that it belongs to.
        token_version: the account's token version when it was issued; a raised one outdates it.
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
        id: his account.
        role: what that is now.
        session_id: the login that his access token belongs to.
    """

    id: str
    role: Role
    session_id: str


@dataclass(frozen=True)
class Resource:
    """What a scope's owner knows of a resource and of one principal's part in it.

    Args:
        id: the resource's id.
        state: the state that policy rules are judged by.
        member: whether the principal takes part in it.
        validator: changes with every change of the resource, so that a cached answer can be proved current.
    """

    id: str
    state: str
    member: bool
    validator: int


@dataclass(frozen=True)
class Locked:
    """A resource that can't change before the caller's transaction ends.

    Args:
        state: its state.
        participants: user id -> participant role, of those asked for who take part.
    """

    state: str
    participants: Mapping[str, str]
