"""Another identity than auth's own: an object that a plugin brings, and that every guard asks."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth import Identity, Principal, UserDirectory
from parley_auth.authorization.identity import asking
from parley_auth.errors import AuthenticationRequired, InvalidToken, TokenExpired
from parley_auth.keys.authenticator import KeyAuthenticator
from parley_auth.keys.models import PREFIX
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Parley, StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

ME, USERS = "/v1/users/me", "/v1/users"


class Directory:
    """An identity that knows callers by `subject:<e-mail>` and takes the role from the stored account."""

    def __init__(self, users: UserDirectory) -> None:
        self._users = users

    async def authenticate(self, token: str | None) -> Principal:
        if token is None:
            raise AuthenticationRequired
        kind, _, email = token.partition(":")
        if kind == "expired":
            raise TokenExpired
        user = await self._users.by_email(email) if kind == "subject" else None
        if user is None or not user.active:
            raise InvalidToken
        return Principal(user.id, user.role, session_id=token)


class Rival(Directory):
    """A second one."""


def directory(name: str, cls: type[Directory] = Directory) -> ModuleType:
    """Return a plugin that brings an identity, which uses a service of auth."""

    def parley_services(parley: Parley) -> Sequence[object]:
        return [cls(parley.require(UserDirectory))]

    return a_plugin(name, parley_services=parley_services)


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestAnother:
    @pytest.fixture(params=["audit", "zz"])
    def app(self, request: pytest.FixtureRequest, core_settings: CoreSettings) -> FastAPI:
        """The application with a plugin that is loaded before auth, or after it."""
        return an_application([core_settings, auth_settings()], [parley_auth.plugin, directory(request.param)])

    @pytest.fixture
    async def ada(self, app: FastAPI, client: httpx.AsyncClient) -> Account:
        return await an_account(app, "admin", email="ada@example.com")

    async def test_is_asked(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Guards let a caller through whom the identity knows, with the stored account's id and role."""
        answer = await client.get(ME, headers=bearing("subject:ada@example.com"))
        assert (answer.status_code, answer.json()["id"]) == (200, ada.id)
        assert (await client.get(USERS, headers=bearing("subject:ada@example.com"))).status_code == 200

    async def test_alone(self, client: httpx.AsyncClient, ada: Account, subtests: pytest.Subtests) -> None:
        """The identity's errors are the answers; auth's own access tokens are no longer accepted."""
        expected = [
            ({}, "authentication_required"),
            (bearing("subject:nobody@example.com"), "invalid_token"),
            (bearing("expired:ada@example.com"), "token_expired"),
            (ada.headers, "invalid_token"),
        ]
        for headers, code in expected:
            with subtests.test(code):
                answer = await client.get(ME, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (401, code)

    async def test_role_is_read_anew(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """A changed role applies from the next request on, since the identity reads the account."""
        await app.state.parley.database.users.update_one({"_id": ada.id}, {"$set": {"role": "candidate"}})
        answer = await client.get(USERS, headers=bearing("subject:ada@example.com"))
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


class TestVerifiedEarly:
    """What is read for a caller begins as soon as the identity says who they are."""

    async def test_calls_back_before_the_account(self) -> None:
        """An identity that takes `verified` is given it, and calls it when it likes."""
        seen: list[str] = []

        class Own:
            async def authenticate(self, token: str | None, verified: Callable[[str], None] | None = None) -> Principal:
                assert verified is not None
                verified("ada")
                seen.append("account")
                return Principal("ada", "admin", str(token))

        assert (await asking(Own())("token", seen.append)).id == "ada"
        assert seen == ["ada", "account"]

    async def test_without_it(self) -> None:
        """One that doesn't take it is asked as before; its caller's id is passed on once they are known."""
        seen: list[str] = []

        class Own:
            async def authenticate(self, token: str | None) -> Principal:
                seen.append("account")
                return Principal("ada", "admin", str(token))

        assert (await asking(Own())("token", seen.append)).id == "ada"
        assert seen == ["account", "ada"]

    async def test_derived_from_auths_own(self, core_settings: CoreSettings) -> None:
        """A class that replaces `authenticate` of auth's own is asked itself, whether it takes `verified` or not."""

        class Nobody(Authenticator):
            async def authenticate(self, token: str | None) -> Principal:  # type: ignore[override]
                raise InvalidToken

        def parley_services(parley: Parley) -> Sequence[object]:
            own = parley.require(Authenticator)
            refusing = Nobody.__new__(Nobody)
            vars(refusing).update(vars(own))
            return [refusing]

        plugins = [parley_auth.plugin, a_plugin("nobody", parley_services=parley_services)]
        app = an_application([core_settings, auth_settings()], plugins)
        async with running_client(app) as client:
            ada = await an_account(app, "admin", email="ada@example.com")
            assert (await client.get(ME, headers=ada.headers)).status_code == 401


class WithKeys(Directory):
    """An identity that lets API keys in, too."""

    def __init__(self, users: UserDirectory, keys: KeyAuthenticator) -> None:
        super().__init__(users)
        self._keys = keys

    async def authenticate(self, token: str | None) -> Principal:
        if token and token.startswith(PREFIX):
            return await self._keys.principal_of(token)
        return await super().authenticate(token)


class TestApiKeys:
    @pytest.fixture(params=[False, True])
    def accepts(self, request: pytest.FixtureRequest) -> bool:
        """Whether the identity accepts keys."""
        return bool(request.param)

    @pytest.fixture
    def app(self, core_settings: CoreSettings, *, accepts: bool) -> FastAPI:
        def parley_services(parley: Parley) -> Sequence[object]:
            users = parley.require(UserDirectory)
            return [WithKeys(users, parley.require(KeyAuthenticator)) if accepts else Directory(users)]

        plugin = a_plugin("directory", parley_services=parley_services)
        return an_application([core_settings, auth_settings()], [parley_auth.plugin, plugin])

    async def test_are_its_decision(self, app: FastAPI, client: httpx.AsyncClient, *, accepts: bool) -> None:
        """Another identity is given the keys too: they work where it asks `KeyAuthenticator`, and nowhere else."""
        await an_account(app, "admin", email="ada@example.com")
        ada = bearing("subject:ada@example.com")
        created = await client.post("/v1/api-keys", json={"name": "x", "actions": ["users:list"]}, headers=ada)
        key = bearing(created.json()["key"])
        assert (await client.get(USERS, headers=key)).status_code == (200 if accepts else 401)
        assert (await client.get(ME, headers=key)).status_code == (403 if accepts else 401)
        assert (await client.delete(f"/v1/api-keys/{created.json()['id']}", headers=ada)).status_code == 204
        assert (await client.get(USERS, headers=key)).status_code == 401


class TestChoice:
    async def test_own_by_default(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """By default guards ask auth's own identity, which meets the protocol."""
        account = await an_account(app)
        assert (await client.get(ME, headers=account.headers)).status_code == 200
        assert isinstance(app.state.parley.require(Authenticator), Identity)

    async def test_two_others(self, core_settings: CoreSettings) -> None:
        """Two identities other than auth's own stop the start; the message names both classes."""
        plugins = [parley_auth.plugin, directory("one"), directory("two", Rival)]
        app = an_application([core_settings, auth_settings()], plugins)
        with pytest.raises(StartupError, match="only one identity") as caught:
            async with running_client(app):
                pass
        for cls in (Directory, Rival):
            assert f"{cls.__module__}.{cls.__qualname__}" in str(caught.value)


class TestLoadOrder:
    @pytest.mark.parametrize("name", ["audit", "zz"])
    async def test_lifespan_requires_auths_service(self, core_settings: CoreSettings, name: str) -> None:
        """A plugin's lifespan finds auth's services whether its name sorts before auth or after it."""
        found: list[Authenticator] = []

        @asynccontextmanager
        async def watching(parley: Parley) -> AsyncIterator[None]:
            found.append(parley.require(Authenticator))
            yield

        def parley_lifespan(parley: Parley) -> object:
            return watching(parley)

        plugin = a_plugin(name, parley_lifespan=parley_lifespan)
        app = an_application([core_settings, auth_settings()], [plugin, parley_auth.plugin])
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(running_client(app))
            account = await an_account(app)
            assert (await client.get(ME, headers=account.headers)).status_code == 200
            assert found == [app.state.parley.require(Authenticator)]
