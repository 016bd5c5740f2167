"""Throttling, over HTTP: who must wait after failures, for how long, and who needn't."""

import asyncio
import functools
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from counts import rounds
from fastapi import FastAPI

from parley_auth import testing
from parley_auth.errors import RateLimited
from parley_auth.passwords import hashing as passwords
from parley_auth.passwords.origin import Origin
from parley_auth.passwords.throttle import OF_ACCOUNT, OF_SITE, Throttle
from parley_auth.testing import PASSWORD, Account, an_account
from parley_core.testing import MovableClock
from parley_core.testing.metrics import Metrics

ACCOUNTS, HOURS = rounds(80, full=200), rounds(2, full=6)
MORE_THAN_QUEUED = 100
LOGIN = "/v1/auth/login"
STRANGER, OFFICE = "203.0.113.9", "198.51.100.1"
AN_ORIGIN = Origin(STRANGER, STRANGER, is_internal=False, user_agent="", request_id="")
From = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the hasher by one that is as right and a hundred times as fast, for tests that log in often."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    quick = functools.cache(hasher.hash)
    monkeypatch.setattr(passwords, "HASHER", hasher)
    monkeypatch.setattr(passwords, "_decoy_hash", lambda: quick(""))
    monkeypatch.setattr(testing, "_hash_of", quick)


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


async def spray(client: httpx.AsyncClient, times: int, *, name: str = "nobody") -> None:
    """Fail once with each of so many accounts, without a delay."""
    for number in range(times):
        await fail(client, f"{name}{number}@example.com", times=1)


def outcome_of(answer: httpx.Response) -> tuple[Any, ...]:
    return answer.status_code, answer.json()["code"], answer.headers.get("Retry-After")


@pytest.mark.usefixtures("quick_hashes")
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

    async def test_refusals_are_counted(self, client: httpx.AsyncClient, ada: Account, metrics: Metrics) -> None:
        """Those that must wait are counted, and wrong passwords aren't."""
        await fail(client, ada.user.email)
        assert metrics.value("parley.refusals") == 0
        await log_in(client, ada.user.email)
        assert metrics.value("parley.refusals", budget="logins") == 1
        assert metrics.value("parley.problems", code="invalid_credentials") == 6
        assert metrics.value("parley.problems", code="rate_limited") == 1

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
            form = {"grant_type": "password", "username": email, "password": "ten green bottles"}
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


@pytest.mark.usefixtures("quick_hashes")
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

    async def test_own_failures_delay_only_there(
        self, client: httpx.AsyncClient, client_from: From, ada: Account
    ) -> None:
        """Failures on a known network delay the account there, and on no other network."""
        await fail(client, ada.user.email)
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 429
        async with client_from(STRANGER) as elsewhere:
            assert (await log_in(elsewhere, ada.user.email, PASSWORD)).status_code == 200

    async def test_strangers_count_together(
        self, client_from: From, ada: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Twenty networks that guess one account's password at the same time have six guesses in all."""
        hasher = CountingHasher()
        monkeypatch.setattr(passwords, "HASHER", hasher)

        async def guess(number: int) -> list[int]:
            async with client_from(f"203.0.113.{number}") as stranger:
                return [(await log_in(stranger, ada.user.email)).status_code for _ in range(5)]

        found = await asyncio.gather(*map(guess, range(20)))
        assert sorted(status for statuses in found for status in statuses) == [401] * 6 + [429] * 94
        assert hasher.verified == 6

    @pytest.mark.chaos
    async def test_office(
        self, app: FastAPI, client: httpx.AsyncClient, client_from: From, clock: MovableClock
    ) -> None:
        """In a month of typos by 50 people of an office the right password is never refused, to newcomers neither."""
        people = [await an_account(app, password=PASSWORD) for _ in range(50)]
        async with client_from(OFFICE) as office:
            for person in people:
                assert (await log_in(office, person.user.email, PASSWORD)).status_code == 200
            for turn in range(30 * 6):
                email, other = people[turn % 50].user.email, people[(turn + 7) % 50].user.email
                assert (await log_in(office, email)).status_code == 401
                assert (await log_in(office, email if turn % 2 else other, PASSWORD)).status_code == 200
                if turn % 30 == 0:
                    newcomer = await an_account(app, password=PASSWORD)
                    assert (await log_in(office, newcomer.user.email)).status_code == 401
                    assert (await log_in(office, newcomer.user.email, PASSWORD)).status_code == 200
                clock.move(timedelta(hours=4))

    async def test_bad_morning(self, app: FastAPI, client: httpx.AsyncClient, client_from: From) -> None:
        """Typos by 52 people in one minute, who usually log in there, don't delay a newcomer's first login."""
        people = [await an_account(app, password=PASSWORD) for _ in range(52)]
        newcomer = await an_account(app, password=PASSWORD)
        async with client_from(OFFICE) as office:
            for person in people:
                assert (await log_in(office, person.user.email, PASSWORD)).status_code == 200
                await fail(office, person.user.email, times=1)
            assert (await log_in(office, newcomer.user.email, PASSWORD)).status_code == 200


@pytest.mark.usefixtures("quick_hashes", "client")
class TestSite:
    """Accounts that fail where their owners never logged in count for the network, whether or not they exist."""

    async def test_spraying(self, app: FastAPI, client: httpx.AsyncClient, client_from: From, ada: Account) -> None:
        """After 51 accounts have failed a network must wait; usual users of it and other networks needn't."""
        bob = await an_account(app, password=PASSWORD)
        async with client_from(STRANGER) as stranger:
            assert (await log_in(stranger, bob.user.email, PASSWORD)).status_code == 200
            await spray(stranger, 51)
            for email in (ada.user.email, "nobody@example.com"):
                assert outcome_of(await log_in(stranger, email, PASSWORD)) == (429, "rate_limited", "1")
            assert (await log_in(stranger, bob.user.email, PASSWORD)).status_code == 200
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200

    @pytest.mark.attack
    async def test_many_at_once(self, client_from: From, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of many accounts at the same time 51 are guessed; the other guesses aren't even hashed."""
        hasher = CountingHasher()
        monkeypatch.setattr(passwords, "HASHER", hasher)
        async with client_from(STRANGER) as stranger:
            sent = (log_in(stranger, f"nobody{number}@example.com") for number in range(ACCOUNTS))
            statuses = [answer.status_code for answer in await asyncio.gather(*sent)]
        assert sorted(statuses) == [401] * 51 + [429] * (ACCOUNTS - 51)
        assert hasher.verified == 51

    async def test_growing_delays(self, client_from: From, clock: MovableClock) -> None:
        """Each further account doubles the delay."""
        async with client_from(STRANGER) as stranger:
            await spray(stranger, 51)
            for number, delay in enumerate([1, 2, 4, 8, 16, 32, 64]):
                email = f"another{number}@example.com"
                assert outcome_of(await log_in(stranger, email)) == (429, "rate_limited", str(delay))
                clock.move(timedelta(seconds=delay))
                assert (await log_in(stranger, email)).status_code == 401

    @pytest.mark.attack
    async def test_hours_of_spraying(self, app: FastAPI, clock: MovableClock) -> None:
        """Whoever sprays for hours as fast as they may guesses about 40 accounts an hour; little is stored."""
        throttle, guessed, until = app.state.parley.require(Throttle), 0, clock() + timedelta(hours=HOURS)
        while clock() < until:
            try:
                await throttle.begin(f"nobody{guessed}@example.com", AN_ORIGIN, known=())
                guessed += 1
            except RateLimited as refused:
                clock.move(timedelta(seconds=int(refused.headers["Retry-After"])))
        assert 51 < guessed < 51 + HOURS * 50
        counter = await app.state.parley.database.login_failures.find_one({"_id": f"site:{STRANGER}"})
        assert len(counter["failed"]) <= 256

    async def test_accounts_not_failures(self, client_from: From, ada: Account) -> None:
        """Many failures of few accounts don't delay others."""
        async with client_from(STRANGER) as stranger:
            for number in range(10):
                await fail(stranger, f"nobody{number}@example.com")
            assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == 200

    async def test_halves(self, client_from: From, clock: MovableClock) -> None:
        """After an hour 51 accounts count as 25.5: the 25th further one is followed by a delay."""
        async with client_from(STRANGER) as stranger:
            await spray(stranger, 51)
            clock.move(timedelta(hours=1))
            await spray(stranger, 25, name="later")
            assert outcome_of(await log_in(stranger, "last@example.com")) == (429, "rate_limited", "1")

    async def test_success_lowers_it(self, client_from: From, ada: Account) -> None:
        """An account that has failed no longer counts once it succeeds."""
        async with client_from(STRANGER) as stranger:
            await fail(stranger, ada.user.email, times=1)
            await spray(stranger, 49)
            assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == 200
            await spray(stranger, 2, name="further")
            assert (await log_in(stranger, "last@example.com")).status_code == 429

    async def test_success_ends_the_delay(self, client_from: From, ada: Account, clock: MovableClock) -> None:
        """When a success leaves at most 50 accounts, nobody has to wait any longer."""
        async with client_from(STRANGER) as stranger:
            await fail(stranger, ada.user.email, times=1)
            await spray(stranger, 50)
            clock.move(timedelta(seconds=1))
            assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == 200
            await spray(stranger, 1, name="further")

    async def test_own_account_hides_nothing(self, client_from: From, ada: Account) -> None:
        """Logins with an account of one's own between the guesses don't lower the count of the others."""
        async with client_from(STRANGER) as stranger:
            for turn in range(5):
                await spray(stranger, 10, name=f"nobody{turn}-")
                assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == 200
            await spray(stranger, 1, name="further")
            assert (await log_in(stranger, "last@example.com")).status_code == 429

    async def test_shared_by_workers(self, workers: list[httpx.AsyncClient]) -> None:
        """Accounts that failed on all workers count together."""
        for number in range(51):
            await fail(workers[number % 3], f"nobody{number}@example.com", times=1)
        assert {(await log_in(worker, "last@example.com")).status_code for worker in workers} == {429}

    async def test_subnets_of_one_customer(self, client_from: From, ada: Account) -> None:
        """The /64s of one /48 count together, and the neighbouring /48 by itself."""
        for number in range(51):
            async with client_from(f"2001:db8:1:{number:x}::1") as stranger:
                await spray(stranger, 1, name=f"nobody{number}-")
        for site, status in (("2001:db8:1", 429), ("2001:db8:2", 200)):
            async with client_from(f"{site}:ffff::1") as stranger:
                assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == status

    async def test_translated_addresses(self, client_from: From, ada: Account) -> None:
        """IPv4 addresses behind a NAT64 count one by one, as they do without it."""
        async with client_from(f"64:ff9b::{STRANGER}") as stranger:
            await spray(stranger, 51)
        for address, status in (
            (f"64:ff9b::{STRANGER}", 429),
            (STRANGER, 429),
            (f"64:ff9b:1:2::{STRANGER}", 429),
            ("64:ff9b::203.0.113.10", 200),
        ):
            async with client_from(address) as caller:
                assert (await log_in(caller, ada.user.email, PASSWORD)).status_code == status

    async def test_refused_site_harms_no_account(self, app: FastAPI, client_from: From, ada: Account) -> None:
        """Attempts of a network that must wait don't count against the accounts that they name."""
        async with client_from(STRANGER) as stranger:
            await spray(stranger, 51)
            for _ in range(10):
                assert (await log_in(stranger, ada.user.email)).status_code == 429
        assert await app.state.parley.database.login_failures.count_documents({"_id": {"$regex": "^account"}}) == 51

    async def test_withdrawn(self, app: FastAPI, clock: MovableClock) -> None:
        """A withdrawn attempt leaves no account behind, and an earlier failure of the account as it was."""
        throttle = app.state.parley.require(Throttle)

        async def failed() -> list[Any]:
            counter = await app.state.parley.database.login_failures.find_one({"_id": f"site:{STRANGER}"})
            return [entry["at"] for entry in counter["failed"]]

        await throttle.withdraw(await throttle.begin("ada@example.com", AN_ORIGIN, known=()))
        assert await failed() == []
        await throttle.begin("ada@example.com", AN_ORIGIN, known=())
        before = clock()
        clock.move(timedelta(minutes=1))
        await throttle.withdraw(await throttle.begin("ada@example.com", AN_ORIGIN, known=()))
        assert await failed() == [before]


@pytest.mark.usefixtures("quick_hashes")
class TestEarlierClock:
    """An attempt whose time is a little before another's, which was served first or by a server whose clock is ahead.

    It must wait for no delay that nobody has.
    """

    async def test_newcomers_of_one_network(self, app: FastAPI, client: httpx.AsyncClient, clock: MovableClock) -> None:
        for _ in range(3):
            newcomer = await an_account(app, password=PASSWORD)
            assert (await log_in(client, newcomer.user.email)).status_code == 401
            clock.move(timedelta(milliseconds=-1))
            assert (await log_in(client, newcomer.user.email, PASSWORD)).status_code == 200
            clock.move(timedelta(seconds=-8))

    async def test_known_network(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200
        await fail(client, ada.user.email, times=1)
        clock.move(timedelta(seconds=-8))
        assert (await log_in(client, ada.user.email, PASSWORD)).status_code == 200

    @pytest.mark.usefixtures("client")
    async def test_taken_back(self, app: FastAPI, ada: Account, clock: MovableClock) -> None:
        throttle = app.state.parley.require(Throttle)
        for known in ((), (STRANGER,)):
            attempts = [await throttle.begin(ada.user.email, AN_ORIGIN, known=known) for _ in range(6)]
            with pytest.raises(RateLimited):
                await throttle.begin(ada.user.email, AN_ORIGIN, known=known)
            await throttle.withdraw(attempts[-1])
            clock.move(timedelta(seconds=-8))
            await throttle.begin(ada.user.email, AN_ORIGIN, known=known)

    async def test_registrations(self, client: httpx.AsyncClient, client_from: From, clock: MovableClock) -> None:
        async with client_from(STRANGER) as stranger:
            for name in ("ada", "bob"):
                body = {"email": f"{name}@example.com", "password": PASSWORD}
                assert (await stranger.post("/v1/auth/register", json=body)).status_code == 201
                clock.move(timedelta(seconds=-8))


@pytest.mark.usefixtures("quick_hashes", "client")
async def test_counters_of_an_older_release(app: FastAPI, client_from: From, ada: Account, clock: MovableClock) -> None:
    """A network's counter of failures is ignored; an account's counter goes on."""
    blocked = {"blocked_until": clock() + timedelta(minutes=15), "expires_at": clock() + timedelta(hours=24)}
    bob, eve = (hashlib.sha256(name.encode()).hexdigest() for name in ("bob@example.com", "eve@example.com"))
    old = [
        {"_id": f"network:{STRANGER}", "failures": 64, **blocked},
        {"_id": f"account:{bob}:elsewhere", "failures": 14, **blocked},
        {"_id": f"account:{eve}:elsewhere", "failures": 5},
    ]
    await app.state.parley.database.login_failures.insert_many(old)
    async with client_from(STRANGER) as stranger:
        assert (await log_in(stranger, ada.user.email, PASSWORD)).status_code == 200
        assert outcome_of(await log_in(stranger, "bob@example.com")) == (429, "rate_limited", "900")
        assert [(await log_in(stranger, "eve@example.com")).status_code for _ in range(2)] == [401, 429]


async def test_full_queue_counts_nothing(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A login that is refused because of a full queue doesn't count as a failure."""
    accounts = [await an_account(app, password=PASSWORD) for _ in range(MORE_THAN_QUEUED)]
    answers = await asyncio.gather(*(log_in(client, account.user.email, PASSWORD) for account in accounts))
    turned_away = [answer for answer in answers if answer.status_code == 503]
    counters = await app.state.parley.database.login_failures.find().to_list()
    assert turned_away
    assert [counter["failures"] for counter in counters] == [0] * len(turned_away)


def test_delays() -> None:
    """The delay after n failures: none up to five, then doubling seconds, 15 minutes at most."""
    delays = [OF_ACCOUNT.delay_after(failures).total_seconds() for failures in (0, 5, 6, 7, 15, 16, 64)]
    assert delays == [0, 0, 1, 2, 512, 900, 900]
    assert [OF_SITE.delay_after(accounts).total_seconds() for accounts in (50, 51, 64)] == [0, 1, 900]


class CountingHasher(PasswordHasher):
    """The real hasher, which counts."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.verified += 1
        return super().verify(hash, password)
