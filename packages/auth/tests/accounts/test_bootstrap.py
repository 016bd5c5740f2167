"""The first administrator: from settings, at random, and with several workers at once."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

import parley_auth.plugin
from parley_auth.accounts.bootstrap import Administrators
from parley_auth.accounts.repository import UserHistory
from parley_auth.testing import PASSWORD, an_account, auth_settings
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client

NAMED: dict[str, Any] = {"admin_email": "Root@Example.com", "admin_password": SecretStr(PASSWORD)}


def a_worker(core: CoreSettings, *, announce: Callable[[str], None] = lambda _: None, **changes: Any) -> FastAPI:
    return an_application([core, auth_settings(**changes)], [parley_auth.plugin], announce=announce)


async def admins_of(app: FastAPI) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await app.state.parley.database.users.find({"role": "admin"}).to_list()
    return found


async def log_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/v1/auth/login", json={"email": email, "password": password})).status_code


class TestFromSettings:
    async def test_is_created(self, core_settings: CoreSettings) -> None:
        """PARLEY_ADMIN_EMAIL and PARLEY_ADMIN_PASSWORD create the first administrator, who can log in."""
        app = a_worker(core_settings, **NAMED)
        async with running_client(app) as client:
            assert await log_in(client, "root@example.com", PASSWORD) == 200
            [admin] = await admins_of(app)
            [entry], _ = await UserHistory(app.state.parley.database).page(admin["_id"], limit=5, offset=0)
        assert (admin["email"], admin["active"], admin["rev"]) == ("root@example.com", True, 1)
        assert (entry.type, entry.actor, entry.actor_role) == ("user.created", None, "system")

    async def test_only_the_first(self, core_settings: CoreSettings) -> None:
        """While there is an administrator, a start creates none, whoever the settings name."""
        async with running_client(a_worker(core_settings, **NAMED)):
            pass
        second = a_worker(core_settings, admin_email="other@example.com", admin_password=SecretStr(PASSWORD))
        async with running_client(second) as client:
            assert len(await admins_of(second)) == 1
            assert await log_in(client, "other@example.com", PASSWORD) == 401

    async def test_changed_password_survives(self, core_settings: CoreSettings) -> None:
        """A restart with the old settings neither fails nor brings the old password back."""
        async with running_client(a_worker(core_settings, **NAMED)) as client:
            login = {"email": "root@example.com", "password": PASSWORD}
            token = (await client.post("/v1/auth/login", json=login)).json()["access_token"]
            body = {"current_password": PASSWORD, "new_password": "ten blue bottles"}
            headers = {"Authorization": f"Bearer {token}"}
            assert (await client.post("/v1/users/me/password", json=body, headers=headers)).status_code == 204
        async with running_client(a_worker(core_settings, **NAMED)) as client:
            assert await log_in(client, "root@example.com", PASSWORD) == 401
            assert await log_in(client, "root@example.com", "ten blue bottles") == 200

    @pytest.mark.parametrize("role", ["candidate", "interviewer"])
    async def test_somebody_elses_email(self, core_settings: CoreSettings, role: str) -> None:
        """A setting never turns an existing account into an administrator; the start stops and names the account."""
        app = a_worker(core_settings)
        async with running_client(app):
            await an_account(app, role, email="root@example.com", password=PASSWORD)
        with pytest.raises(StartupError, match=r"^root@example\.com belongs to an account already"):
            async with running_client(a_worker(core_settings, **NAMED)):
                pass

    async def test_weak_password(self, core_settings: CoreSettings, subtests: pytest.Subtests) -> None:
        """A refused password stops the start with one line, which doesn't show it."""
        for password in ("qxz7!", "password1", "qxz7!" * 30):
            with subtests.test(password):
                app = a_worker(core_settings, admin_email="root@example.com", admin_password=SecretStr(password))
                with pytest.raises(StartupError, match=r"^the administrator's password is refused: ") as caught:
                    async with running_client(app):
                        pass
                assert password not in str(caught.value)
                assert "\n" not in str(caught.value)

    async def test_no_settings_no_admin(self, core_settings: CoreSettings) -> None:
        """On a MongoDB server no administrator is created unless the settings name one."""
        announced: list[str] = []
        app = a_worker(core_settings, announce=announced.append)
        async with running_client(app):
            assert await admins_of(app) == []
        assert announced == []


class TestUnusedSettings:
    @pytest.mark.parametrize(
        ("changes", "is_said"),
        [
            pytest.param({}, False, id="the same"),
            pytest.param({"admin_email": "ROOT@example.com"}, False, id="the same in capitals"),
            pytest.param({"admin_email": "other@example.com"}, True, id="another e-mail"),
            pytest.param({"admin_password": SecretStr("hunter2 hunter2")}, True, id="another password"),
            pytest.param({"admin_email": None, "admin_password": None}, False, id="unset"),
        ],
    )
    async def test_one_line_says_so(
        self, core_settings: CoreSettings, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], *, is_said: bool
    ) -> None:
        """Settings that let nobody in are named with what to do, and neither e-mail nor password is logged."""
        async with running_client(a_worker(core_settings, **NAMED)):
            pass
        assert "are not used" not in caplog.text
        for _ in range(2):
            caplog.clear()
            async with running_client(a_worker(core_settings, **{**NAMED, **changes})):
                pass
            lines = [m for name, _, m in caplog.record_tuples if name == "parley.settings" and "ADMIN" in m]
            assert len(lines) == is_said
            assert all("parley set-password" in line for line in lines)
            assert not any(secret in caplog.text for secret in ("hunter", "other@", "root@", PASSWORD))

    async def test_a_deactivated_one_is_another(
        self, core_settings: CoreSettings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The settings let nobody in who was deactivated since."""
        app = a_worker(core_settings, **NAMED)
        async with running_client(app):
            await app.state.parley.require(Administrators).provide(email="second@example.com", password=PASSWORD)
            await app.state.parley.database.users.update_one({"email": "root@example.com"}, {"$set": {"active": False}})
        async with running_client(a_worker(core_settings, **NAMED)):
            assert caplog.text.count("are not used") == 1


class TestAtRandom:
    async def test_is_announced_once(self, embedded_settings: CoreSettings) -> None:
        """On the embedded database an administrator is created and announced at the first start only."""
        announced: list[str] = []
        for _ in range(2):
            async with running_client(a_worker(embedded_settings, announce=announced.append)) as client:
                [line] = announced
                email, password = line.split()[2], line.split()[-1]
                assert line == f"First administrator: {email}  one-time password: {password}"
                assert len(password) >= 16
                assert await log_in(client, email, password) == 200

    async def test_differs(self, embedded_settings: CoreSettings) -> None:
        """Two installations get different passwords."""
        announced: list[str] = []
        for _ in range(2):
            app = a_worker(embedded_settings, announce=announced.append)
            async with running_client(app):
                await app.state.parley.database.users.drop()
        assert len(set(announced)) == 2

    async def test_settings_come_first(self, embedded_settings: CoreSettings) -> None:
        """When the settings name an administrator, no random one is created."""
        announced: list[str] = []
        app = a_worker(embedded_settings, announce=announced.append, **NAMED)
        async with running_client(app):
            assert [admin["email"] for admin in await admins_of(app)] == ["root@example.com"]
        assert announced == []


class TestSeveralWorkers:
    async def test_from_settings(self, core_settings: CoreSettings) -> None:
        """Five workers that start at once on a new database create one administrator, and all of them start."""
        workers = [a_worker(core_settings, **NAMED) for _ in range(5)]
        async with AsyncExitStack() as stack:
            clients = await _start_together(stack, workers)
            assert len(await admins_of(workers[0])) == 1
            assert [await log_in(client, "root@example.com", PASSWORD) for client in clients] == [200] * 5

    async def test_at_random(self, embedded_settings: CoreSettings) -> None:
        """Five workers on a new embedded database announce one password, which works on each of them."""
        announced: list[str] = []
        workers = [a_worker(embedded_settings, announce=announced.append) for _ in range(5)]
        async with AsyncExitStack() as stack:
            clients = await _start_together(stack, workers)
            assert len(await admins_of(workers[0])) == 1
            [line] = announced
            email, password = line.split()[2], line.split()[-1]
            assert [await log_in(client, email, password) for client in clients] == [200] * 5


class TestProvide:
    async def test_twice(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """Providing an administrator again changes nothing."""
        for _ in range(2):
            await app.state.parley.require(Administrators).provide(email=" ROOT@example.com", password=PASSWORD)
        [admin] = await admins_of(app)
        assert admin["rev"] == 1
        assert await log_in(client, "root@example.com", PASSWORD) == 200

    @pytest.mark.usefixtures("client")
    async def test_at_once(self, app: FastAPI) -> None:
        """Concurrent calls that provide the same administrator all succeed and create one."""
        wanted = {"email": "root@example.com", "password": PASSWORD}
        await asyncio.gather(*(app.state.parley.require(Administrators).provide(**wanted) for _ in range(5)))
        assert len(await admins_of(app)) == 1

    @pytest.mark.usefixtures("client")
    async def test_other_accounts(self, app: FastAPI, subtests: pytest.Subtests) -> None:
        """No account is taken over: none with another role or another password, and no inactive one."""
        await an_account(app, "interviewer", email="interviewer@example.com", password=PASSWORD)
        await an_account(app, "admin", email="inactive@example.com", password=PASSWORD, active=False)
        await an_account(app, "admin", email="changed@example.com", password="ten blue bottles")
        before = await app.state.parley.database.users.find({}, {"history": False}).to_list()
        for name in ("interviewer", "inactive", "changed"):
            with subtests.test(name), pytest.raises(StartupError, match=f"^{name}@example.com belongs to an account"):
                await app.state.parley.require(Administrators).provide(email=f"{name}@example.com", password=PASSWORD)
        assert await app.state.parley.database.users.find({}, {"history": False}).to_list() == before

    @pytest.mark.usefixtures("client")
    async def test_refusals(self, app: FastAPI) -> None:
        """A refused e-mail or password is one line that says which of the two is at fault."""
        parley = app.state.parley
        for email, password, what in [
            ("no e-mail", PASSWORD, "e-mail|email"),
            ("root@example.com", "x7" * 65, "password"),
            ("root@example.com", "\ud800" * 9, "password"),
            ("root@example.com", "iloveyou", "password"),
        ]:
            with pytest.raises(StartupError, match=f"^the administrator's ({what}) is refused: "):
                await parley.require(Administrators).provide(email=email, password=password)
        assert await admins_of(app) == []


async def _start_together(stack: AsyncExitStack, workers: list[FastAPI]) -> list[httpx.AsyncClient]:
    return await asyncio.gather(*(stack.enter_async_context(running_client(worker)) for worker in workers))
