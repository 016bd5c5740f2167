"""Links over HTTP: creating them, setting a password with one, and the ways in which they die."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from parley_auth.accounts.repository import UserHistory
from parley_auth.links.models import LinkToken
from parley_auth.passwords import hashing
from parley_auth.testing import PASSWORD, Account, an_account, log_in
from parley_core import HistoryEntry, new_id
from parley_core.log.relay import Relay
from parley_core.testing import MovableClock

ACCEPT, LOGIN, ME = "/v1/auth/accept", "/v1/auth/login", "/v1/users/me"
NEW = "ten blue bottles"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class CountingHasher(PasswordHasher):
    """The real hasher, which counts what it computes."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self.count = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.count += 1
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.count += 1
        return super().verify(hash, password)


@dataclass
class Desk:
    """An administrator's desk: creates accounts and links, and sends what their owners send."""

    app: FastAPI
    client: httpx.AsyncClient
    admin: Account

    async def invited(self, **fields: Any) -> str:
        """Create an invited account and return its id."""
        body = {"email": f"{new_id()}@example.com", "role": "admin"} | fields
        answer = await self.client.post("/v1/users", json=body, headers=self.admin.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def send_link(self, user_id: str, purpose: str) -> httpx.Response:
        address, body = f"/v1/users/{user_id}/link", {"purpose": purpose}
        return await self.client.post(address, json=body, headers=self.admin.headers)

    async def link(self, user_id: str, purpose: str = "invitation") -> str:
        """Create a link and return its token."""
        answer = await self.send_link(user_id, purpose)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    async def accept(self, token: str, password: str = NEW, **fields: Any) -> httpx.Response:
        return await self.client.post(ACCEPT, json={"token": token, "password": password} | fields)

    async def change(self, user_id: str, **changes: Any) -> dict[str, Any]:
        answer = await self.client.patch(f"/v1/users/{user_id}", json=changes, headers=self.admin.headers)
        assert answer.status_code == 200, answer.text
        account: dict[str, Any] = answer.json()
        return account

    async def read(self, user_id: str) -> dict[str, Any]:
        account: dict[str, Any] = (await self.client.get(f"/v1/users/{user_id}", headers=self.admin.headers)).json()
        return account

    async def history(self, user_id: str) -> list[HistoryEntry]:
        entries, _ = await UserHistory(self.app.state.parley.database).page(user_id, limit=50, offset=0)
        return list(entries)

    async def log_in(self, user_id: str, password: str) -> int:
        body = {"email": (await self.read(user_id))["email"], "password": password}
        return (await self.client.post(LOGIN, json=body)).status_code


@pytest.fixture
async def desk(app: FastAPI, client: httpx.AsyncClient) -> Desk:
    return Desk(app, client, await an_account(app, "admin"))


@pytest.fixture
async def owner(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, password=PASSWORD)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestInvited:
    async def test_account_without_a_password(self, desk: Desk) -> None:
        """An account that is created without a password is invited: unproved, and nobody can log in."""
        user_id = await desk.invited(name="Grace")
        account = await desk.read(user_id)
        assert (account["state"], account["verified"], account["active"]) == ("invited", False, True)
        assert await desk.log_in(user_id, "") == 401
        assert await desk.log_in(user_id, PASSWORD) == 401
        [entry] = await desk.history(user_id)
        assert (entry.type, entry.changes) == ("user.invited", {"role": {"from": None, "to": "admin"}})

    async def test_taken_email(self, desk: Desk, owner: Account) -> None:
        """An e-mail that an account has can't be invited, and an invited one can't be registered."""
        body = {"email": owner.user.email, "role": "admin"}
        assert refused(await desk.client.post("/v1/users", json=body, headers=desk.admin.headers)) == (
            400,
            "duplicate_email",
        )
        await desk.invited(email="grace@example.com")
        body = {"email": "grace@example.com", "password": PASSWORD}
        assert refused(await desk.client.post("/v1/auth/register", json=body)) == (400, "duplicate_email")

    async def test_deactivated_and_reactivated(self, desk: Desk) -> None:
        """An invited account that is deactivated and reactivated is invited again; its link doesn't come back."""
        user_id = await desk.invited()
        token = await desk.link(user_id)
        assert (await desk.change(user_id, active=False))["state"] == "deactivated"
        assert (await desk.change(user_id, active=True))["state"] == "invited"
        assert refused(await desk.accept(token)) == (400, "invalid_link")
        assert (await desk.accept(await desk.link(user_id))).status_code == 200
        assert (await desk.read(user_id))["state"] == "active"

    async def test_is_no_administrator_yet(self, desk: Desk) -> None:
        """An invited administrator can't log in, so the last one who can stays one."""
        user_id = await desk.invited()
        address, role = f"/v1/users/{desk.admin.id}", {"role": desk.admin.user.role, "active": False}
        assert refused(await desk.client.patch(address, json=role, headers=desk.admin.headers)) == (400, "last_admin")
        await desk.accept(await desk.link(user_id))
        assert (await desk.client.patch(address, json=role, headers=desk.admin.headers)).status_code == 200


class TestCreate:
    @pytest.mark.parametrize(("purpose", "lifetime"), [("invitation", 72), ("reset", 1)])
    async def test_answer(self, desk: Desk, owner: Account, clock: MovableClock, purpose: str, lifetime: int) -> None:
        """The answer has the token, the path with it as a fragment, and the end of its life; no cache may store it."""
        user_id = await desk.invited() if purpose == "invitation" else owner.id
        answer = await desk.send_link(user_id, purpose)
        link = answer.json()
        assert (answer.status_code, link.keys()) == (201, {"token", "url_path", "expires_at"})
        assert link["url_path"] == f"/console#/accept/{link['token']}"
        assert link["expires_at"] == (clock() + timedelta(hours=lifetime)).strftime(FORMAT)
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_purpose(self, desk: Desk, owner: Account) -> None:
        """An invitation is for an account without a password, a reset for one with a password; each says the other."""
        user_id = await desk.invited()
        wrong = await desk.send_link(owner.id, "invitation"), await desk.send_link(user_id, "reset")
        assert [refused(answer) for answer in wrong] == [(400, "password_exists"), (400, "no_password")]
        assert ["reset" in wrong[0].json()["detail"], "invitation" in wrong[1].json()["detail"]] == [True, True]
        assert refused(await desk.send_link(user_id, "welcome")) == (400, "validation_error")

    async def test_no_account(self, desk: Desk, app: FastAPI) -> None:
        """There is no link for an unknown or a deactivated account."""
        inactive = await an_account(app, active=False)
        assert refused(await desk.send_link(inactive.id, "reset")) == (400, "inactive_user")
        assert refused(await desk.send_link(new_id(), "reset")) == (404, "user_not_found")

    async def test_stored_as_a_digest(self, desk: Desk, owner: Account) -> None:
        """The account stores the digest of the one live link; the history names its purpose and nothing else."""
        older, newer = await desk.link(owner.id, "reset"), await desk.link(owner.id, "reset")
        stored = await desk.app.state.parley.database.users.find_one({"_id": owner.id})
        parsed = LinkToken.parse(newer)
        assert parsed is not None
        assert (stored["link"]["digest"], stored["link"].keys()) == (parsed.digest, {"digest", "purpose", "expires_at"})
        for text in (older, newer, parsed.secret.hex()):
            assert text not in str(stored)
        entry = (await desk.history(owner.id))[-1]
        assert (entry.type, entry.actor) == ("user.link_created", desk.admin.id)
        assert entry.changes == {"purpose": {"from": None, "to": "reset"}}

    async def test_at_once(self, desk: Desk, owner: Account) -> None:
        """Of links that are created at once one is good."""
        tokens = await asyncio.gather(*(desk.link(owner.id, "reset") for _ in range(10)))
        answers = [await desk.accept(token) for token in tokens]
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9

    async def test_spelled_in_one_way(self) -> None:
        """A token has one spelling; no other text is one."""
        token = LinkToken.new(new_id())
        assert LinkToken.parse(token.text) == token
        for text in ("", "x", token.text[:-1], token.text + "=", "A" * 60, "\u00e9" * 60, token.text.replace("A", "+")):
            assert text == token.text or LinkToken.parse(text) is None


class TestAccept:
    async def test_invitation(self, desk: Desk) -> None:
        """The holder of an invitation gets tokens; the account is active, verified and named, and logs in."""
        user_id = await desk.invited()
        answer = await desk.accept(await desk.link(user_id), name="Grace Hopper")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        me = (await desk.client.get(ME, headers=headers)).json()
        assert (me["id"], me["state"], me["verified"], me["name"]) == (user_id, "active", True, "Grace Hopper")
        found = await desk.client.get("/v1/users", params={"q": "hopp"}, headers=desk.admin.headers)
        assert [account["id"] for account in found.json()["items"]] == [user_id]
        refresh = {"refresh_token": answer.json()["refresh_token"]}
        assert (await desk.client.post("/v1/auth/refresh", json=refresh)).status_code == 200
        assert await desk.log_in(user_id, NEW) == 200
        entry = (await desk.history(user_id))[-1]
        assert (entry.rev, entry.type, entry.actor) == (3, "user.invitation_accepted", user_id)
        assert entry.changes == {
            "password": {"from": {}, "to": {}},
            "name": {"from": {}, "to": {}},
            "state": {"from": "invited", "to": "active"},
            "verified": {"from": False, "to": True},
        }

    async def test_reset(self, desk: Desk, owner: Account) -> None:
        """A reset replaces the password, keeps the name, verifies the e-mail and ends every other session."""
        other = await log_in(desk.app.state.parley, owner.user)
        answer = await desk.accept(await desk.link(owner.id, "reset"))
        assert answer.status_code == 200
        for headers in (owner.headers, other):
            assert refused(await desk.client.get(ME, headers=headers)) == (401, "invalid_token")
        assert [await desk.log_in(owner.id, password) for password in (PASSWORD, NEW)] == [401, 200]
        account = await desk.read(owner.id)
        assert (account["name"], account["verified"]) == (owner.user.name, True)
        entry = (await desk.history(owner.id))[-1]
        assert (entry.rev, entry.type) == (3, "user.password_reset")

    async def test_one_hash(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Accepting costs one hash, and a refused link none."""
        token = await desk.link(await desk.invited())
        hasher = CountingHasher()
        monkeypatch.setattr(hashing, "HASHER", hasher)
        assert ((await desk.accept(token)).status_code, hasher.count) == (200, 1)
        assert ((await desk.accept(token)).status_code, hasher.count) == (400, 1)

    async def test_twenty_at_once(self, desk: Desk, owner: Account) -> None:
        """Of 20 concurrent uses of one link exactly one succeeds, and its password is the account's."""
        for user_id, purpose in [(await desk.invited(), "invitation"), (owner.id, "reset")]:
            token = await desk.link(user_id, purpose)
            sent = [desk.accept(token, f"{number} blue bottles") for number in range(20)]
            answers = await asyncio.gather(*sent)
            [winner] = [number for number, answer in enumerate(answers) if answer.status_code == 200]
            lost = [refused(answer) for answer in answers if answer.status_code != 200]
            assert lost == [(400, "invalid_link")] * 19
            assert await desk.log_in(user_id, f"{winner} blue bottles") == 200

    async def test_three_workers(self, desk: Desk, workers: list[httpx.AsyncClient]) -> None:
        """Of 21 concurrent uses of one link on three workers exactly one succeeds, too."""
        body = {"token": await desk.link(await desk.invited()), "password": NEW}
        answers = await asyncio.gather(*(workers[number % 3].post(ACCEPT, json=body) for number in range(21)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 20

    async def test_weak_password(self, desk: Desk, canaries: Any) -> None:
        """With a good link a weak password is refused by the rules, and the link still works."""
        token = await desk.link(await desk.invited(email="grace.hopper@example.com"))
        for password in ("short", "password1", "grace.hopper"):
            assert refused(await desk.accept(token, password)) == (400, "weak_password")
        assert refused(await desk.accept(token, "Lady Lovelace", name="Lady Lovelace")) == (400, "weak_password")
        canaries.secrets -= {"grace.hopper", "Lady Lovelace"}  # which are answered, as an address and a name
        assert (await desk.accept(token)).status_code == 200

    async def test_lifetime(self, desk: Desk, owner: Account, clock: MovableClock) -> None:
        """An invitation works for 72 hours and a reset for one, to the millisecond."""
        links = [await desk.link(owner.id, "reset"), await desk.link(await desk.invited())]
        late = [await desk.link((await an_account(desk.app)).id, "reset"), await desk.link(await desk.invited())]
        for lifetime, in_time, too_late in zip((1, 71), links, late, strict=True):
            clock.move(timedelta(hours=lifetime, milliseconds=-1))
            assert (await desk.accept(in_time)).status_code == 200
            clock.move(timedelta(milliseconds=1))
            assert refused(await desk.accept(too_late)) == (400, "invalid_link")


async def used(desk: Desk, user_id: str) -> str:
    token = await desk.link(user_id, "reset")
    assert (await desk.accept(token)).status_code == 200
    return token


async def replaced(desk: Desk, user_id: str) -> str:
    token, _ = await desk.link(user_id, "reset"), await desk.link(user_id, "reset")
    return token


async def expired(desk: Desk, user_id: str) -> str:
    token, past = await desk.link(user_id, "reset"), desk.app.state.parley.clock()
    users = desk.app.state.parley.database.users
    await users.update_one({"_id": user_id}, {"$set": {"link.expires_at": past}})
    return token


async def foreign(desk: Desk, user_id: str) -> str:
    other = LinkToken.parse(await desk.link((await an_account(desk.app)).id, "reset"))
    await desk.link(user_id, "reset")
    assert other is not None
    return LinkToken(user_id, other.secret).text


async def never_issued(desk: Desk, user_id: str) -> str:
    return LinkToken.new(user_id).text


async def of_nobody(desk: Desk, user_id: str) -> str:
    return LinkToken.new(new_id()).text


async def no_token(desk: Desk, user_id: str) -> str:
    return "nonsense"


async def of_a_deactivated_account(desk: Desk, user_id: str) -> str:
    token = await desk.link(user_id, "reset")
    await desk.change(user_id, active=False)
    return token


async def of_an_account_that_was_switched_off(desk: Desk, user_id: str) -> str:
    """A link that is still stored in an inactive account, as no release of ours leaves it."""
    token = await desk.link(user_id, "reset")
    await desk.app.state.parley.database.users.update_one({"_id": user_id}, {"$set": {"active": False}})
    return token


async def of_an_older_email(desk: Desk, user_id: str) -> str:
    token = await desk.link(user_id, "reset")
    await desk.change(user_id, email=f"{new_id()}@example.com")
    return token


DEAD: list[Callable[[Desk, str], Awaitable[str]]] = [
    used,
    replaced,
    expired,
    foreign,
    never_issued,
    of_nobody,
    no_token,
    of_a_deactivated_account,
    of_an_account_that_was_switched_off,
    of_an_older_email,
]


class TestDead:
    async def test_alike(self, desk: Desk, subtests: pytest.Subtests) -> None:
        """Every link that can't be used gets the same answer, headers included, and changes nothing."""
        users, first = desk.app.state.parley.database.users, None
        for kind in DEAD:
            account = await an_account(desk.app)
            token = await kind(desk, account.id)
            before = await users.find_one({"_id": account.id}, {"history": False})
            body = {"token": token, "password": NEW}
            answer = await desk.client.post(ACCEPT, json=body, headers={"X-Request-ID": "same"})
            first = first or answer
            with subtests.test(kind.__name__):
                assert refused(answer) == (400, "invalid_link")
                assert (answer.text, str(answer.headers)) == (first.text, str(first.headers))
                assert await users.find_one({"_id": account.id}, {"history": False}) == before

    async def test_same_whatever_the_password(self, desk: Desk, owner: Account) -> None:
        """A weak password doesn't show that a link is dead: nothing is checked before the link."""
        token = await used(desk, owner.id)
        answers = [await desk.accept(token, password) for password in ("short", "password1", NEW)]
        assert {refused(answer) for answer in answers} == {(400, "invalid_link")}

    @pytest.mark.parametrize("kind", DEAD)
    async def test_same_work(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: Callable[[Desk, str], Awaitable[str]]
    ) -> None:
        """Every refusal reads one account by its id, hashes nothing and writes nothing."""
        token = await kind(desk, (await an_account(desk.app)).id)
        hasher = CountingHasher()
        monkeypatch.setattr(hashing, "HASHER", hasher)
        database = desk.app.state.parley.database
        # It reads and writes accounts too, until their events are in the log.
        await desk.app.state.parley.require(Relay).drain()
        await database.command("profile", 2)
        await desk.accept(token)
        await database.command("profile", 0)
        done = await database["system.profile"].find({"ns": f"{database.name}.users"}).to_list()
        await database.drop_collection("system.profile")
        asked = [operation for operation in done if operation["command"].get("filter", {}).keys() == {"_id"}]
        assert [(operation["op"], operation["planSummary"]) for operation in asked] == [("query", "IDHACK")]
        assert {operation["op"] for operation in done} == {"query"}
        assert hasher.count == 0

    async def test_changed_password(self, desk: Desk, owner: Account) -> None:
        """Whoever changes their password themselves ends a link that somebody else may have."""
        token = await desk.link(owner.id, "reset")
        body = {"current_password": PASSWORD, "new_password": "twelve red bottles"}
        changed = await desk.client.post("/v1/users/me/password", json=body, headers=owner.headers)
        assert changed.status_code == 204
        assert refused(await desk.accept(token)) == (400, "invalid_link")
