"""The secret that signs access tokens: where it comes from, and which ones are refused."""

import asyncio
import os
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

import parley_auth.plugin
from parley_auth.settings import AuthSettings
from parley_auth.testing import an_account, auth_settings
from parley_core import Parley, StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client

GOOD = "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu"
ME = "/v1/users/me"


def a_worker(core: CoreSettings) -> FastAPI:
    settings = AuthSettings.model_validate({"admin_email": "root@example.com", "admin_password": "nine green bottles"})
    return an_application([core, settings], [parley_auth.plugin])


class TestGiven:
    async def test_of_one_worker_counts_on_another(self, core_settings: CoreSettings) -> None:
        """Tokens are accepted by every worker with the same secret, and by none with another."""
        same = [an_application([core_settings, auth_settings()], [parley_auth.plugin]) for _ in range(2)]
        other = an_application([core_settings, auth_settings(jwt_secret=GOOD[::-1])], [parley_auth.plugin])
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(running_client(app)) for app in (*same, other)]
            headers = (await an_account(same[0])).headers
            assert [(await client.get(ME, headers=headers)).status_code for client in clients] == [200, 200, 401]

    @pytest.mark.parametrize(
        "secret",
        ["short", "a" * 64, "ab" * 32, "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aE", "my-secret-" + GOOD, "ChangeMe" + GOOD],
        ids=["short", "one letter", "two letters", "31 bytes", "named secret", "to be changed"],
    )
    def test_weak(self, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
        """A weak secret or a placeholder stops the start; the message names the setting and not its value."""
        monkeypatch.setenv("PARLEY_JWT_SECRET", secret)
        monkeypatch.setenv("PARLEY_MONGODB_URI", "mongodb://nowhere.invalid")
        with pytest.raises(StartupError, match=r"^settings: PARLEY_JWT_SECRET: .+ it needs ") as caught:
            Parley(plugins=[parley_auth.plugin])
        assert secret not in str(caught.value)

    def test_empty(self) -> None:
        """An empty secret is refused too."""
        with pytest.raises(ValidationError, match="is weak"):
            auth_settings(jwt_secret="")

    def test_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A secret may be in a file that PARLEY_JWT_SECRET_FILE names; the same rules apply."""
        path = tmp_path / "secret"
        monkeypatch.setenv("PARLEY_JWT_SECRET_FILE", str(path))
        path.write_text(GOOD + "\n")
        given = Parley(plugins=[parley_auth.plugin]).settings(AuthSettings).jwt_secret
        assert given
        assert given.get_secret_value() == GOOD
        path.write_text("\n")
        with pytest.raises(StartupError, match="PARLEY_JWT_SECRET"):
            Parley(plugins=[parley_auth.plugin])

    async def test_missing(self, core_settings: CoreSettings) -> None:
        """A MongoDB server needs a secret in the settings: the start stops and says how to generate one."""
        with pytest.raises(StartupError, match=r"^PARLEY_JWT_SECRET is missing.+secrets\.token_urlsafe"):
            async with running_client(a_worker(core_settings)):
                pass


class TestKept:
    async def test_is_generated_once(self, embedded_settings: CoreSettings) -> None:
        """With the embedded database a secret is generated, stored for this user only, and used again."""
        path = embedded_settings.data_dir / "jwt_secret"
        assert not path.exists()
        app = a_worker(embedded_settings)
        async with running_client(app) as client:
            headers = (await an_account(app)).headers
            assert (await client.get(ME, headers=headers)).status_code == 200
        made = path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(made) >= 64
        async with running_client(a_worker(embedded_settings)) as client:
            assert (await client.get(ME, headers=headers)).status_code == 200
        assert path.read_text() == made
        assert [file.name for file in path.parent.glob("jwt_secret*")] == ["jwt_secret"]

    async def test_given_one_comes_first(self, embedded_settings: CoreSettings) -> None:
        """When a secret is given, none is generated."""
        async with running_client(an_application([embedded_settings, auth_settings()], [parley_auth.plugin])):
            assert not (embedded_settings.data_dir / "jwt_secret").exists()

    async def test_several_workers(self, embedded_settings: CoreSettings) -> None:
        """Workers that start at once agree on one secret."""
        workers = [a_worker(embedded_settings) for _ in range(5)]
        async with AsyncExitStack() as stack:
            clients: list[httpx.AsyncClient] = await asyncio.gather(
                *(stack.enter_async_context(running_client(worker)) for worker in workers)
            )
            accounts = [await an_account(worker) for worker in workers]
            for client in clients:
                answers = [await client.get(ME, headers=account.headers) for account in accounts]
                assert [answer.status_code for answer in answers] == [200] * 5

    @pytest.mark.parametrize("content", [b"", b"\n", b"short"], ids=["empty", "blank", "cut"])
    async def test_damaged(self, embedded_settings: CoreSettings, content: bytes) -> None:
        """A damaged secret is never used: the start stops and says what to do."""
        path = embedded_settings.data_dir / "jwt_secret"
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(StartupError, match=r"jwt_secret is damaged: remove it"):
            async with running_client(a_worker(embedded_settings)):
                pass

    @pytest.mark.parametrize("owner", [None, 12345], ids=["readable", "another's"])
    async def test_planted(self, embedded_settings: CoreSettings, owner: int | None) -> None:
        """A secret that others could have read or put there signs nothing: the start stops and names the file."""
        if owner is not None and os.geteuid() != 0:
            pytest.skip("only root can give a file to another user")
        path = embedded_settings.data_dir / "jwt_secret"
        path.write_text(GOOD)
        path.chmod(0o644 if owner is None else 0o600)
        if owner is not None:
            os.chown(path, owner, -1)
        with pytest.raises(StartupError, match=r"jwt_secret belongs to user \d+ with mode .+ run: ch(own|mod) "):
            async with running_client(a_worker(embedded_settings)):
                pass
