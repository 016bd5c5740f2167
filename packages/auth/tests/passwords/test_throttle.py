"""Throttling, over HTTP: who must wait after failures, for how long, and who needn't."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from parley_auth.passwords import hashing as passwords
from parley_auth.passwords.throttle import OF_ACCOUNT, network_of
from parley_auth.testing import PASSWORD, Account, an_account
from parley_core.testing import MovableClock

LOGIN = "/v1/auth/login"
STRANGER = "203.0.113.9"
From = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, email="ada@example.com", password=PASSWORD)


@pytest.fixture
def client_from(app: FastAPI, client: httpx.AsyncClient) -> From:
    """Return a function that makes clients with a given address."""

    def build(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url=client.base_url)

    return build


async def log_in(client: httpx.AsyncClient, email: str, password: str = "ten green bottles") -> httpx.Response:
    return await client.post(LOGIN, json={"email": email, "password": password})


async def fail(client: httpx.AsyncClient, email: str, *, times: int = 6) -> None:
    """Fail six times: five failures without a delay, and one that the first delay follows."""
    for _ in range(times):
        assert (await log_in(client, email)).status_code == 401


def outcome_of(answer: httpx.Response) -> tuple[Any, ...]:
    return answer.status_code, answer.json()["code"], answer.headers.get("Retry-After")


class TestAccount:
    async def test_growing_delays(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """After six failures each further one doubles the delay, up to 15 minutes; the right password must wait too."""
        await fail(client, ada.user.email)
        delays = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
        for delay in delays:
            early = await log_in(client, ada.user.email, PASSWORD)
            assert outcome_of(early) == (429, "rate_limited", str(delay))
            assert early.json()["category"] == "rate_limit"
            clock.move(timedelta(seconds=delay, milliseconds=-1))
            assert outcome_of(await log_in(client, ada.user.email, PASSWORD)) == (429, "rate_limited", "1")
            clock.move(timedelta(milliseconds=1))
            assert (await log_in(client, ada.user.email)).status_code == 401
        clock.move(timedelta(minutes=15))
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200

    async def test_success_forgets(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A login forgets the failures before it."""
        for _ in range(3):
            await fail(client, ada.user.email, times=5)
            assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200

    async def test_others_are_unaffected(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """One account's failures don't affect another account."""
        bob = await an_account(app, password=PASSWORD)
        await fail(client, ada.user.email)
        assert (await log_in(client, ada.user.email)).status_code == 429
        assert (await log_in(client, bob.user.email, PASSWORD)).status_code == 200

    async def test_shared_by_workers(self, ada: Account, workers: list[httpx.AsyncClient]) -> None:
        """Failures on all workers count together."""
        for number in range(6):
            await fail(workers[number % 3], ada.user.email, times=1)
        assert {(await log_in(worker, ada.user.email)).status_code for worker in workers} == {429}

    async def test_every_spelling_is_one(self, client: httpx.AsyncClient, ada: Account) -> None:
        """All spellings of an e-mail share one counter, and so does the form."""
        for email in ("ada@example.com", "ADA@example.com", " ada@EXAMPLE.com "):
            await fail(client, email, times=1)
            form = {"username": email, "password": "ten green bottles"}
            assert (await client.post("/v1/auth/token", data=form)).status_code == 401
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 429

    async def test_unknown_and_inactive_ones_alike(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account, clock: MovableClock
    ) -> None:
        """The answers to ten failures reveal nothing about an account."""
        inactive = await an_account(app, active=False, password=PASSWORD)
        stories = []
        for email in (ada.user.email, "nobody@example.com", inactive.user.email):
            stories.append([outcome_of(await log_in(client, email)) for _ in range(10)])
            clock.move(timedelta(seconds=5))
        assert stories[0] == stories[1] == stories[2]
        assert [story[0] for story in stories[0]] == [401] * 6 + [429] * 4

    async def test_hundred_at_once(
        self, client: httpx.AsyncClient, ada: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of a hundred concurrent guesses only six are verified; the others aren't even hashed."""
        hasher = CountingHasher()
        monkeypatch.setattr(passwords, "HASHER", hasher)
        answers = await asyncio.gather(*(log_in(client, ada.user.email) for _ in range(100)))
        assert sorted(answer.status_code for answer in answers) == [401] * 6 + [429] * 94
        assert hasher.verified == 6

    async def test_current_password(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Guesses of the current password with a stolen access token are throttled."""
        body = {"current_password": "ten green bottles", "new_password": "ten blue bottles"}
        guesses = [await client.post("/v1/users/me/password", json=body, headers=ada.headers) for _ in range(7)]
        assert [guess.status_code for guess in guesses] == [400] * 6 + [429]
        assert guesses[-1].headers["Retry-After"] == "1"

    async def test_nothing_readable_is_kept(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """The counters store no e-mail and expire after a day."""
        for email in (ada.user.email, "nobody@example.com"):
            await fail(client, email, times=1)
        counters = await app.state.parley.database.login_failures.find().to_list()
        assert len(counters) == 3
        assert "example" not in str(counters)
        assert {counter["expires_at"] - app.state.parley.clock() for counter in counters} == {timedelta(hours=24)}


class TestNetwork:
    async def test_owner_is_not_locked_out(
        self, client: httpx.AsyncClient, client_from: From, ada: Account, clock: MovableClock
    ) -> None:
        """On a known network the owner can log in, whatever strangers do elsewhere."""
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200
        async with client_from(STRANGER) as stranger:
            await fail(stranger, ada.user.email)
            for _ in range(5):
                assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == 429
                assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200
            clock.move(timedelta(seconds=1))
            assert (await log_in(stranger, ada.user.email)).status_code == 401
            assert outcome_of(await log_in(stranger, ada.user.email)) == (429, "rate_limited", "2")

    async def test_strangers_count_together(self, client_from: From, ada: Account) -> None:
        """Strangers get no new attempts by changing their address."""
        for number in range(6):
            async with client_from(f"203.0.113.{number}") as stranger:
                await fail(stranger, ada.user.email, times=1)
        async with client_from("198.51.100.7") as stranger:
            assert (await log_in(stranger, ada.user.email)).status_code == 429

    async def test_many_accounts_from_one(self, client: httpx.AsyncClient, client_from: From, ada: Account) -> None:
        """After 51 failures against any accounts a network must wait; other networks needn't."""
        async with client_from(STRANGER) as stranger:
            for number in range(51):
                await fail(stranger, f"nobody{number}@example.com", times=1)
            assert outcome_of(await log_in(stranger, ada.user.email, PASSWORD)) == (429, "rate_limited", "1")
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200

    async def test_refused_network_harms_no_account(
        self, app: FastAPI, client: httpx.AsyncClient, client_from: From, ada: Account
    ) -> None:
        """Attempts of a network that must wait don't count against the accounts that they name."""
        async with client_from(STRANGER) as stranger:
            for number in range(51):
                await fail(stranger, f"nobody{number}@example.com", times=1)
            for _ in range(10):
                assert (await log_in(stranger, ada.user.email)).status_code == 429
        assert await app.state.parley.database.login_failures.count_documents({"_id": {"$regex": "^account"}}) == 51

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::/64"),
            ("", "local"),
            ("testclient", "local"),
        ],
    )
    def test_network_of(self, address: str, network: str) -> None:
        """IPv6 counts by its /64, IPv4 by its address also when written as IPv6, and a Unix socket is local."""
        assert network_of(address) == network


async def test_full_queue_counts_nothing(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A login that is refused because of a full queue doesn't count as a failure."""
    accounts = [await an_account(app, password=PASSWORD) for _ in range(100)]
    answers = await asyncio.gather(*(log_in(client, account.user.email, PASSWORD) for account in accounts))
    turned_away = [answer for answer in answers if answer.status_code == 503]
    counters = await app.state.parley.database.login_failures.find().to_list()
    assert turned_away
    assert [counter["failures"] for counter in counters] == [0] * len(turned_away)


def test_delays() -> None:
    """The delay after n failures: none up to five, then doubling seconds, 15 minutes at most."""
    delays = [OF_ACCOUNT.delay_after(failures).total_seconds() for failures in (0, 5, 6, 7, 15, 16, 64)]
    assert delays == [0, 0, 1, 2, 512, 900, 900]


class CountingHasher(PasswordHasher):
    """The real hasher, which counts."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.verified += 1
        return super().verify(hash, password)
