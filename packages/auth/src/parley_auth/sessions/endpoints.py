"""Logging in, refreshing, logging out."""

from typing import Annotated

from fastapi import Depends, Form, Query, Response, status

from parley_auth.errors import (
    InvalidCredentials,
    InvalidToken,
    RateLimited,
    RefreshInProgress,
    RefreshReused,
    SessionNotFound,
)
from parley_auth.passwords.origin import OriginDep
from parley_auth.sessions import schemas
from parley_auth.sessions.dependencies import (
    RefreshServiceDep,
    SessionEnd,
    SessionRead,
    SessionServiceDep,
)
from parley_auth.sessions.oauth_errors import OAUTH_MEMBERS
from parley_core import Page, PagerDep, Router, raises
from parley_core.errors import InvalidCursor, InvalidId
from parley_core.http.extended_problems import problems_with
from parley_core.http.idempotency import IdempotencyKey
from parley_core.http.pagination import CursorQuery
from parley_core.http.sent_headers import PRAGMA, sends


@sends(PRAGMA)
async def _forbid_storing(response: Response) -> None:
    # RFC 6749, section 5.1.
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache"})


router = Router(
    prefix="/auth",
    tag="auth",
    description="Registering, logging in, refreshing tokens, and sessions.",
    small_bodies=True,
)
NOT_STORED = [Depends(_forbid_storing)]


@router.post("/login", summary="Log in", dependencies=NOT_STORED)
@raises(InvalidCredentials, RateLimited)
async def log_in(body: schemas.Login, sessions: SessionServiceDep, origin: OriginDep) -> schemas.Token:
    """Open a session. Send the access token as `Authorization: Bearer` with each request."""
    return schemas.Token.of(await sessions.log_in(body.email, body.password, origin))


@router.post("/token", summary="Get tokens with an OAuth2 form", dependencies=NOT_STORED)
@problems_with(OAUTH_MEMBERS)
@raises(InvalidCredentials, InvalidToken, RateLimited, RefreshReused, RefreshInProgress)
async def issue_token(
    form: Annotated[schemas.TokenForm, Form()],
    sessions: SessionServiceDep,
    refreshes: RefreshServiceDep,
    origin: OriginDep,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Token:
    """Log in with a password, or exchange a refresh token, as OAuth2 libraries do; errors carry RFC 6749's `error`.

    `Idempotency-Key` lets you repeat an exchange within 60 seconds, as with `/v1/auth/refresh`.
    """
    if form.grant_type == "refresh_token":
        pair = await refreshes.refresh(form.refresh_token, origin, idempotency_key=idempotency_key)
    else:
        pair = await sessions.log_in(form.username, form.password, origin)
    return schemas.Token.of(pair)


@router.post("/refresh", summary="Exchange a refresh token", dependencies=NOT_STORED)
@raises(InvalidToken, RefreshReused, RefreshInProgress)
async def refresh(
    body: schemas.Refresh, refreshes: RefreshServiceDep, origin: OriginDep, idempotency_key: IdempotencyKey = None
) -> schemas.Token:
    """Issue new tokens for a refresh token. Each refresh token works once; using it again ends the session.

    Send an `Idempotency-Key`, so that you can repeat a request whose answer was lost: within 60 seconds the repeat with
    the same key is answered with the same refresh token.
    """
    return schemas.Token.of(await refreshes.refresh(body.refresh_token, origin, idempotency_key=idempotency_key))


@router.post("/logout", summary="Log out", status_code=status.HTTP_204_NO_CONTENT)
async def log_out(access: SessionEnd, sessions: SessionServiceDep, origin: OriginDep) -> None:
    """End the session of the access token that is sent. Its tokens are invalid from the next request on."""
    await sessions.log_out(access.principal, origin)


@router.post("/logout-all", summary="Log out everywhere", status_code=status.HTTP_204_NO_CONTENT)
async def log_out_everywhere(access: SessionEnd, sessions: SessionServiceDep, origin: OriginDep) -> None:
    """End every session of your account, including this one."""
    await sessions.log_out_everywhere(access.principal, origin)


@router.get("/sessions", summary="List your sessions")
@raises(InvalidCursor)
async def list_sessions(
    access: SessionRead, query: Annotated[CursorQuery, Query()], sessions: SessionServiceDep, pager: PagerDep
) -> Page[schemas.LoginSession]:
    """List the sessions of your account that haven't ended, oldest first."""
    found = await sessions.page(access.principal, query)
    shown = [schemas.LoginSession.of(s, current_id=access.principal.session_id) for s in found.items]
    return pager.listing(found.showing(shown), query=query)


@router.delete("/sessions/{session_id}", summary="End a session", status_code=status.HTTP_204_NO_CONTENT)
@raises(InvalidId, SessionNotFound)
async def end_session(access: SessionEnd, session_id: str, sessions: SessionServiceDep, origin: OriginDep) -> None:
    """End one session of your account, for example on a device that you have lost."""
    await sessions.end(access.principal, session_id, origin)
