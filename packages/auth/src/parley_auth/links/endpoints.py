"""Creating links, and setting a password with one."""

from fastapi import Request, status

from parley_auth.errors import InactiveUser, InvalidLink, NoPassword, PasswordExists, UserNotFound, WeakPassword
from parley_auth.links import schemas
from parley_auth.links.dependencies import LinkCreation, LinkServiceDep
from parley_auth.passwords.origin import OriginDep
from parley_auth.sessions.endpoints import NOT_STORED
from parley_auth.sessions.schemas import Token
from parley_core import Router, raises
from parley_core.errors import InvalidId
from parley_core.http.requests import in_address

creation = Router(prefix="/users", tag="users")
acceptance = Router(prefix="/auth", tag="auth", small_bodies=True)


@creation.post(
    "/{user_id}/link",
    summary="Create a link for the owner of an account",
    status_code=status.HTTP_201_CREATED,
    dependencies=NOT_STORED,
)
@raises(InvalidId, UserNotFound, InactiveUser, PasswordExists, NoPassword)
async def create_link(
    access: LinkCreation, user_id: str, body: schemas.LinkCreate, links: LinkServiceDep, request: Request
) -> schemas.Link:
    """Create a link with which its holder sets the account's password. It works once; an older one no longer works.

    An invitation is for an account without a password and lasts 72 hours, a reset for one with a password and lasts
    one hour. Parley sends nothing: pass the link on to the owner of the account's e-mail address.
    """
    issued = await links.create(user_id, body.purpose, access.actor)
    return schemas.Link.of(issued, in_address(request.scope.get("root_path", "")))


@acceptance.post("/accept", summary="Set a password with a link", dependencies=NOT_STORED)
@raises(InvalidLink, WeakPassword)
async def accept_link(body: schemas.Acceptance, links: LinkServiceDep, origin: OriginDep) -> Token:
    """Set the password of the account that the link is for, and log in. Every other session of the account ends.

    After a 503 the password may have been set and the link used: log in with the new password then.
    """
    return Token.of(await links.accept(body, origin))
