"""OAuth2 libraries of others, on a served application: they log in, call, refresh and understand errors."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from fastapi import FastAPI
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, OAuth2Error, UnsupportedGrantTypeError
from requests_oauthlib import OAuth2Session

from parley_auth.testing import PASSWORD, Account, an_account
from parley_core.testing.streams import served

LOGIN = {"username": "ada@example.com", "password": PASSWORD}
LONG_AGO = 1
OAUTHLIB: list[dict[str, Any]] = [{}, {"include_client_id": True}, {"auth": ("cli", "x")}, {"scope": "all"}]
AUTHLIB: list[dict[str, str]] = [
    {},
    {"client_id": "cli", "scope": "all"},
    {"client_id": "cli", "client_secret": "x"},
    {"client_id": "cli", "client_secret": "x", "token_endpoint_auth_method": "client_secret_post"},
]


class Site:
    """The addresses of a served application."""

    def __init__(self, base: str) -> None:
        self.token, self.me = f"{base}/v1/auth/token", f"{base}/v1/users/me"


@pytest.fixture
async def site(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    # oauthlib refuses addresses without TLS otherwise.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    async with served(app) as client:
        yield Site(str(client.base_url).rstrip("/"))


@pytest.fixture
async def ada(app: FastAPI, site: Site) -> Account:
    return await an_account(app, email="ada@example.com", password=PASSWORD)


async def refusal(session: Any) -> str:
    """Return the error of a login with a wrong password."""
    with pytest.raises(OAuthError) as refused:
        await session.fetch_token(username="ada@example.com", password="wrong")
    return str(refused.value.error)


class TestRequestsOAuthlib:
    @pytest.fixture
    def session(self, site: Site) -> OAuth2Session:
        tokens: list[Any] = []
        session = OAuth2Session(
            client=LegacyApplicationClient("cli"),
            auto_refresh_url=site.token,
            auto_refresh_kwargs={"client_id": "cli", "client_secret": "x"},
            token_updater=tokens.append,
        )
        session.updated = tokens
        return session

    @pytest.mark.parametrize("more", OAUTHLIB, ids=str)
    async def test_story(self, site: Site, session: OAuth2Session, ada: Account, more: dict[str, Any]) -> None:
        """It logs in, calls, refreshes by itself once the token has expired, and on request."""

        def story() -> None:
            first = session.fetch_token(site.token, **LOGIN, **more)
            assert session.get(site.me).json()["id"] == ada.id
            session.token = {**first, "expires_at": LONG_AGO}
            assert session.get(site.me).json()["id"] == ada.id
            [second] = session.updated
            third = session.refresh_token(site.token)
            assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
            assert session.get(site.me).status_code == 200

        await asyncio.to_thread(story)

    @pytest.mark.usefixtures("ada")
    async def test_errors(self, site: Site, session: OAuth2Session) -> None:
        """Refusals arrive as the library's exceptions, with the error's name and what to do."""

        def story() -> None:
            with pytest.raises(OAuth2Error, match="No active account") as wrong:
                session.fetch_token(site.token, username="ada@example.com", password="wrong")
            assert wrong.value.error == "invalid_grant"
            with pytest.raises(OAuth2Error, match="not valid: log in again") as unknown:
                session.refresh_token(site.token, refresh_token="nonsense")
            assert unknown.value.error == "invalid_grant"
            machine = OAuth2Session(client=BackendApplicationClient("cli"))
            with pytest.raises(UnsupportedGrantTypeError, match="password or refresh_token"):
                machine.fetch_token(site.token, client_secret="x")

        await asyncio.to_thread(story)


class TestAuthlib:
    @pytest.mark.parametrize("options", AUTHLIB, ids=["bare", "public", "basic", "post"])
    async def test_story(self, site: Site, ada: Account, options: dict[str, Any]) -> None:
        """It logs in, calls, refreshes by itself once the token has expired, and on request."""

        def story() -> None:
            with AuthlibSession(token_endpoint=site.token, **options) as session:
                first = session.fetch_token(**LOGIN)
                assert session.get(site.me).json()["id"] == ada.id
                session.token = {**first, "expires_at": LONG_AGO}
                assert session.get(site.me).json()["id"] == ada.id
                second = session.token
                third = session.refresh_token()
                assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
                assert session.get(site.me).status_code == 200

        await asyncio.to_thread(story)

    @pytest.mark.parametrize("options", AUTHLIB, ids=["bare", "public", "basic", "post"])
    async def test_asynchronous_story(self, site: Site, ada: Account, options: dict[str, Any]) -> None:
        """So does its asynchronous client, of many requests at once too: only one of them refreshes."""
        async with AsyncOAuth2Client(token_endpoint=site.token, **options) as session:
            first = await session.fetch_token(**LOGIN)
            session.token = {**first, "expires_at": LONG_AGO}
            answers = await asyncio.gather(*(session.get(site.me) for _ in range(5)))
            assert {answer.json()["id"] for answer in answers} == {ada.id}
            assert session.token["refresh_token"] != first["refresh_token"]
            third = await session.refresh_token()
            assert (await session.get(site.me)).status_code == 200
            with pytest.raises(OAuthError, match="invalid_grant"):
                await session.refresh_token(refresh_token=first["refresh_token"])
            with pytest.raises(OAuthError, match="invalid_grant: The refresh token is not valid: log in again"):
                await session.refresh_token(refresh_token=third["refresh_token"])

    @pytest.mark.usefixtures("ada")
    async def test_errors(self, site: Site) -> None:
        """Refusals arrive as the library's exceptions, with the error's name and what to do."""
        async with AsyncOAuth2Client(token_endpoint=site.token) as session:
            with pytest.raises(OAuthError, match="No active account") as wrong:
                await session.fetch_token(username="ada@example.com", password="wrong")
            assert wrong.value.error == "invalid_grant"
            with pytest.raises(OAuthError, match="password or refresh_token") as machine:
                await session.fetch_token(grant_type="client_credentials")
            assert machine.value.error == "unsupported_grant_type"
            errors = [await refusal(session) for _ in range(6)]
            assert errors[-1] == "temporarily_unavailable"
