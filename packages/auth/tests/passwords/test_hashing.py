"""Hashing off the event loop, in a pool that refuses work when it is full."""

import asyncio
import threading

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from parley_auth.errors import WeakPassword
from parley_auth.passwords import hashing as passwords
from parley_auth.passwords.hashing import Passwords, check_strength, common_passwords
from parley_auth.passwords.rules import PasswordRules
from parley_auth.testing import PASSWORD, People, an_account


class WatchedHasher(PasswordHasher):
    """The real hasher, which records the threads in which it worked."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self.threads: set[str] = set()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.threads.add(threading.current_thread().name)
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.threads.add(threading.current_thread().name)
        return super().verify(hash, password)


async def test_off_the_event_loop(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request waits for another's hash: hashes are computed in threads of their own."""
    hasher = WatchedHasher()
    monkeypatch.setattr(passwords, "HASHER", hasher)
    bodies = [{"email": f"ada{number}@example.com", "password": PASSWORD} for number in range(5)]
    await asyncio.gather(*(client.post("/v1/auth/register", json=body) for body in bodies))
    await asyncio.gather(*(client.post("/v1/auth/login", json=body) for body in bodies))
    assert hasher.threads
    assert hasher.threads <= {"argon2_0", "argon2_1"}


async def test_full_queue(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Requests beyond the queue get 503; the queued ones are answered, and so are other requests meanwhile."""
    accounts = [await an_account(app, password=PASSWORD) for _ in range(100)]
    bodies = [{"email": account.user.email, "password": PASSWORD} for account in accounts]
    *answers, other = await asyncio.gather(
        *(client.post("/v1/auth/login", json=body) for body in bodies),
        client.get("/v1/users/me", headers=accounts[0].headers),
    )
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "unavailable")}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert len(answers) - len(refused) >= 80
    assert refused
    assert other.status_code == 200
    again = [await client.post("/v1/auth/login", json=body) for body in bodies[-10:]]
    assert {answer.status_code for answer in again} == {200}


async def test_registrations_leave_room(client: httpx.AsyncClient, people: People) -> None:
    """Many registrations at once get 503, while a login still has room in the queue."""
    bodies = [{"email": f"ada{number}@example.com", "password": PASSWORD} for number in range(70)]
    login = {"email": people.candidate.user.email, "password": PASSWORD}
    *answers, admitted = await asyncio.gather(
        *(client.post("/v1/auth/register", json=body) for body in bodies), client.post("/v1/auth/login", json=login)
    )
    assert {answer.status_code for answer in answers} == {201, 503}
    assert admitted.status_code == 200


async def test_hashes_differ_and_verify() -> None:
    """Two hashes of a password differ by their salt; each belongs to that password alone."""
    pool = Passwords()
    one, two = await pool.hash(PASSWORD), await pool.hash(PASSWORD)
    assert one != two
    assert [await pool.verify(h, PASSWORD) for h in (one, two)] == [True, True]
    assert [await pool.verify(h, PASSWORD + " ") for h in (one, two)] == [False, False]
    assert not await pool.verify(None, "")
    pool.close()


def test_list_of_common_ones() -> None:
    """The list has tens of thousands of passwords, all in lower case, as lookups need them."""
    common = set(common_passwords().split())
    assert len(common) > 20_000
    assert all(password == password.lower() for password in common)
    assert {"password", "12345678", "iloveyou", "qwertyuiop"} <= common
    assert sum(len(password) >= 8 for password in common) > 3_000  # ASVS 6.2.4


@pytest.mark.parametrize("password", ["ILoveYou", "12345678"])
def test_common_ones(password: str) -> None:
    """A common password is refused in any case; part of one, a longer one and two in a row are not."""
    with pytest.raises(WeakPassword, match="most common"):
        check_strength(password, min_length=6)
    first, second = common_passwords().split()[:2]
    for other in (password[:-1] + "~", f"{password} {password}", f"{first}\n{second}"):
        check_strength(other, min_length=6)


@pytest.mark.parametrize("length", [8, 20])
def test_shortest(length: int) -> None:
    """The minimum counts characters, and a password of exactly that length is accepted."""
    check_strength("é🐎" * (length // 2), min_length=length)
    with pytest.raises(WeakPassword, match=f"at least {length} characters"):
        check_strength("é🐎" * (length // 2 - 1) + "é", min_length=length)


@pytest.mark.parametrize("word", ["interviewer", "Interview", "INTERVIEWS", "parley-auth", "parleyparley", "candidate"])
def test_words_of_the_product(word: str) -> None:
    """Names of roles and scopes, and plurals of scopes, are refused in any case; no others, and no longer texts."""
    rules = PasswordRules(min_length=8, roles=["interviewer", "candidate"], scopes=["interview"])
    with pytest.raises(WeakPassword, match="word of this product"):
        rules.check(word)
    rules.check(f"{word} and more")
    PasswordRules(min_length=8, roles=["agent", "customer"], scopes=["ticket"]).check("interviewer")
