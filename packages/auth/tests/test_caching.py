"""Cached reads of accounts over HTTP: never stale, never another's, on every worker; the same with the cache off."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth import caching
from parley_auth.events import EVENTS
from parley_auth.listing.repository import UserSearch
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings, log_in
from parley_core.caching.store import ReadCache
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client

HIT, MISS, BYPASS = "parley; hit", "parley; fwd=miss", "parley; fwd=bypass"
ME, USERS = "/v1/users/me", "/v1/users"


@pytest.fixture(autouse=True)
def _cached(core_settings: CoreSettings) -> None:
    if not core_settings.cache_enabled:
        pytest.skip("what is tested here is the cache")


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "admin")


@pytest.fixture
async def user(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, name="Ada", password=PASSWORD)


@pytest.fixture
async def uncached(core_settings: CoreSettings, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    """A worker without a cache on the same database."""
    settings = core_settings.model_copy(update={"cache_enabled": False})
    async with running_client(an_application([settings, auth_settings()], [parley_auth.plugin], clock=clock)) as client:
        yield client


def reads_of(user: Account) -> list[str]:
    """One address of each cached route."""
    return [ME, f"{USERS}?q=ada&limit=5", f"{USERS}/{user.id}"]


def status_of(answer: httpx.Response) -> str:
    return str(answer.headers.get("Cache-Status"))


class TestAnswers:
    async def test_second_read_is_a_hit(self, client: httpx.AsyncClient, admin: Account, user: Account) -> None:
        """A second identical read is a hit and equal byte for byte, with its headers."""
        await client.get(f"{USERS}?limit=1", headers=admin.headers)
        for address in (*reads_of(user), f"{USERS}?limit=1&offset=1", f"{USERS}?limit=1&sort=email"):
            first, second = [await client.get(address, headers=admin.headers) for _ in range(2)]
            assert (status_of(first), status_of(second)) == (MISS, HIT), address
            assert first.content == second.content
            for name in ("etag", "content-type", "content-length", "cache-control", "vary", "link"):
                assert first.headers.get(name) == second.headers.get(name), name

    async def test_off_gives_the_same(
        self, client: httpx.AsyncClient, uncached: httpx.AsyncClient, admin: Account, user: Account
    ) -> None:
        """Without the cache every answer is the same, refusals included, and says that nothing was kept."""
        more = [f"{USERS}?limit=0", f"{USERS}?nonsense=1", f"{ME}?x=1", f"{USERS}/{'0' * 24}", f"{USERS}/x"]
        for address in (*reads_of(user), f"{USERS}?limit=1", *more):
            for caller in (admin, user):
                _, kept = [await client.get(address, headers=caller.headers) for _ in range(2)]
                plain = await uncached.get(address, headers=caller.headers)
                assert plain.status_code == kept.status_code, address
                if plain.status_code == 200:
                    assert (status_of(plain), plain.content) == (BYPASS, kept.content)
                    assert (status_of(kept), plain.headers["ETag"]) == (HIT, kept.headers["ETag"])
                else:
                    assert plain.json()["code"] == kept.json()["code"]
                    assert "Cache-Status" not in kept.headers

    async def test_conditional(self, client: httpx.AsyncClient, app: FastAPI, admin: Account, user: Account) -> None:
        """Whoever knows the present answer gets 304, after the check of access: others get 401 or 403."""
        for address in reads_of(user):
            etag = (await client.get(address, headers=admin.headers)).headers["ETag"]
            for known in (etag, f'"other", W/{etag}', "*"):
                answer = await client.get(address, headers={**admin.headers, "If-None-Match": known})
                assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
                assert (await client.get(address, headers={"If-None-Match": known})).status_code == 401
                if address != ME:
                    refused = await client.get(address, headers={**user.headers, "If-None-Match": known})
                    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")

    async def test_changed_answer(self, client: httpx.AsyncClient, admin: Account, user: Account) -> None:
        """After a write the old tag gets the new answer."""
        reads = reads_of(admin)
        tags = [(await client.get(address, headers=admin.headers)).headers["ETag"] for address in reads]
        await client.patch(f"{USERS}/{admin.id}", json={"name": "Ada Root"}, headers=admin.headers)
        for address, etag in zip(reads, tags, strict=True):
            answer = await client.get(address, headers={**admin.headers, "If-None-Match": etag})
            assert (answer.status_code, answer.headers["ETag"] != etag) == (200, True), address


class TestViewers:
    async def test_own_account(self, client: httpx.AsyncClient, admin: Account, user: Account) -> None:
        """Two viewers get their own account, whoever asked first, and so does one with two sessions."""
        for _ in range(2):
            for viewer in (admin, user):
                assert (await client.get(ME, headers=viewer.headers)).json()["id"] == viewer.id

    async def test_another_session(self, app: FastAPI, client: httpx.AsyncClient, user: Account) -> None:
        """What one session has read is a hit for another of the same account."""
        first = await client.get(ME, headers=user.headers)
        second = await client.get(ME, headers=await log_in(app.state.parley, user.user))
        assert (status_of(second), second.content) == (HIT, first.content)

    async def test_administrators_share(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, user: Account
    ) -> None:
        """All administrators see the same lists."""
        other = await an_account(app, "admin")
        for address in reads_of(user)[1:]:
            first, second = [await client.get(address, headers=viewer.headers) for viewer in (admin, other)]
            assert (status_of(first), status_of(second), first.content) == (MISS, HIT, second.content)

    async def test_refusals_are_never_kept(self, client: httpx.AsyncClient, admin: Account, user: Account) -> None:
        """401 and 403 come from the guard of each request, with its id, whatever is kept."""
        for _ in range(2):
            for address in reads_of(user)[1:]:
                assert (await client.get(address, headers=admin.headers)).status_code == 200
                for headers, status in ((user.headers, 403), ({}, 401), ({"Authorization": "Bearer x"}, 401)):
                    refused = await client.get(address, headers=headers)
                    assert (refused.status_code, status_of(refused)) == (status, "None")
                    assert refused.json()["request_id"] == refused.headers["X-Request-ID"]


class TestInvalidation:
    def test_every_event(self) -> None:
        """Each event of accounts invalidates the account and all lists, also one that is added later."""
        event = {"subject_id": "665f1c2ab7e4f90d1c3a5b77"}
        assert {rule.on for rule in caching.INVALIDATIONS} == {event.name for event in EVENTS}
        for rule in caching.INVALIDATIONS:
            assert set(rule.keys(event)) == {"users:all", "users:665f1c2ab7e4f90d1c3a5b77"}

    @pytest.mark.attack
    async def test_writes_by_another_worker(
        self, workers: list[httpx.AsyncClient], uncached: httpx.AsyncClient, admin: Account, user: Account
    ) -> None:
        """After a write through any worker the next read through each is what an uncached read answers."""
        for number in range(rounds(1, full=200)):
            changes: list[Mapping[str, Any]] = [
                {"name": f"Ada {number}"},
                {"role": "admin"},
                {"role": user.user.role},
                {"active": False},
                {"active": True},
            ]
            for turn, change in enumerate(changes):
                await self._warm(workers, admin, user)
                writer = workers[(number + turn) % len(workers)]
                answer = await writer.patch(f"{USERS}/{user.id}", json=change, headers=admin.headers)
                assert answer.status_code == 200, answer.text
                for address in reads_of(user)[1:]:
                    truth = await uncached.get(address, headers=admin.headers)
                    for worker in workers:
                        read = await worker.get(address, headers=admin.headers)
                        assert (status_of(read), read.content) == (MISS, truth.content), (change, address)

    async def _warm(self, workers: list[httpx.AsyncClient], admin: Account, user: Account) -> None:
        """Have every worker keep the answers that a write is to invalidate."""
        for worker in workers:
            for address in reads_of(user)[1:]:
                answers = [await worker.get(address, headers=admin.headers) for _ in range(2)]
                assert status_of(answers[1]) == HIT

    @pytest.mark.attack
    async def test_own_account(self, workers: list[httpx.AsyncClient], admin: Account, user: Account) -> None:
        """Whoever is renamed, by themselves or by an administrator, sees that at once through each worker."""
        for number in range(rounds(3, full=200)):
            name, writer = f"Ada {number}", workers[number % len(workers)]
            for worker in workers:
                await worker.get(ME, headers=user.headers)
            address, author = ((ME, user), (f"{USERS}/{user.id}", admin))[number % 2]
            assert (await writer.patch(address, json={"name": name}, headers=author.headers)).status_code == 200
            for worker in workers:
                read = await worker.get(ME, headers=user.headers)
                assert (status_of(read), read.json()["name"]) == (MISS, name)

    async def test_another_s_change(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, user: Account
    ) -> None:
        """The own account of one stays a hit while others are changed; lists don't."""
        for address in (ME, USERS):
            await client.get(address, headers=admin.headers)
        await client.patch(f"{USERS}/{user.id}", json={"name": "Grace"}, headers=admin.headers)
        assert status_of(await client.get(ME, headers=admin.headers)) == HIT
        assert status_of(await client.get(USERS, headers=admin.headers)) == MISS

    async def test_registrations(self, client: httpx.AsyncClient, admin: Account) -> None:
        """Whoever registers or is created is in the next list."""
        for number in range(4):
            before = (await client.get(USERS, headers=admin.headers)).json()["total"]
            body = {"email": f"new-{number}@example.com", "password": PASSWORD}
            if number % 2:
                created = await client.post(USERS, json={**body, "role": "admin"}, headers=admin.headers)
            else:
                created = await client.post("/v1/auth/register", json=body)
            assert created.status_code == 201
            assert (await client.get(USERS, headers=admin.headers)).json()["total"] == before + 1

    async def test_sessions_invalidate_nothing(self, client: httpx.AsyncClient, admin: Account, user: Account) -> None:
        """Logins and logouts change nothing that is shown, so what is kept stays a hit."""
        for address in reads_of(user):
            await client.get(address, headers=admin.headers)
        body = {"email": user.user.email, "password": PASSWORD}
        assert (await client.post("/v1/auth/login", json=body)).status_code == 200
        assert (await client.post("/v1/auth/logout", headers=user.headers)).status_code == 204
        for address in reads_of(user):
            assert status_of(await client.get(address, headers=admin.headers)) == HIT, address


class TestAccess:
    async def test_demotion(
        self, app: FastAPI, workers: list[httpx.AsyncClient], admin: Account, user: Account
    ) -> None:
        """A demoted administrator gets 403 on every worker though each has kept the page, and 200 once promoted."""
        boss = await an_account(app, "admin")
        for role, status in ((user.user.role, 403), ("admin", 200), (user.user.role, 403)):
            for worker in workers:
                for address in reads_of(user)[1:]:
                    # The other administrator's read keeps the page that the demoted one asks for.
                    assert (await worker.get(address, headers=admin.headers)).status_code == 200
            changed = await workers[0].patch(f"{USERS}/{boss.id}", json={"role": role}, headers=admin.headers)
            assert changed.status_code == 200, changed.text
            for worker in workers:
                for address in reads_of(user)[1:]:
                    await worker.get(address, headers=admin.headers)
                    assert (await worker.get(address, headers=boss.headers)).status_code == status
                assert (await worker.get(ME, headers=boss.headers)).json()["role"] == role

    async def test_deactivation(self, workers: list[httpx.AsyncClient], admin: Account, user: Account) -> None:
        """A deactivated account gets 401 for its own account on every worker though each has kept it."""
        for worker in workers:
            assert (await worker.get(ME, headers=user.headers)).status_code == 200
        await workers[0].patch(f"{USERS}/{user.id}", json={"active": False}, headers=admin.headers)
        for worker in workers:
            assert (await worker.get(ME, headers=user.headers)).json()["code"] == "invalid_token"


async def test_read_that_began_before_the_write(
    monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, admin: Account, user: Account
) -> None:
    """A read that began before a write, and ends after it, can't put the old value back."""
    sent, released, plain = asyncio.Event(), asyncio.Event(), UserSearch.page

    async def paused(search: UserSearch, *arguments: Any, **options: Any) -> Any:
        found = await plain(search, *arguments, **options)
        sent.set()
        await released.wait()
        return found

    monkeypatch.setattr(UserSearch, "page", paused)
    slow = asyncio.create_task(client.get(f"{USERS}?q=ada", headers=admin.headers))
    await sent.wait()
    await client.patch(f"{USERS}/{user.id}", json={"name": "Ada Newer"}, headers=admin.headers)
    released.set()
    assert (await slow).json()["items"][0]["name"] == "Ada"
    for _ in range(2):
        current = await client.get(f"{USERS}?q=ada", headers=admin.headers)
        assert current.json()["items"][0]["name"] == "Ada Newer"


async def test_the_check_would_see_it(app: FastAPI, client: httpx.AsyncClient, admin: Account, user: Account) -> None:
    """A write past `record` is what these tests would call stale: the kept answer goes on being used."""
    before = await client.get(f"{USERS}/{user.id}", headers=admin.headers)
    await app.state.parley.database.users.update_one({"_id": user.id}, {"$set": {"name": "Grace"}})
    after = await client.get(f"{USERS}/{user.id}", headers=admin.headers)
    assert (status_of(after), after.content) == (HIT, before.content)
    assert app.state.parley.require(ReadCache).hits == 1
