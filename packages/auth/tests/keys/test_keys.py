"""API keys over HTTP: created, listed, revoked; valid until then and no longer."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth import Access, PolicyTable
from parley_auth.errors import InvalidToken, PermissionDenied
from parley_auth.keys.authenticator import KeyAuthenticator
from parley_auth.keys.models import MAX_KEYS, KeyText
from parley_auth.keys.schemas import ApiKeyCreate
from parley_auth.keys.service import KeyService
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.testing import IssuedKey, People, an_account, an_api_key, log_in
from parley_core import new_id
from parley_core.testing import NOON, MovableClock, logged, walk

KEYS, USERS = "/v1/api-keys", "/v1/users"
BODY = {"name": "Nightly import", "actions": ["users:read", "users:list"]}


async def status_with(client: httpx.AsyncClient, key: IssuedKey) -> int:
    return (await client.get(USERS, headers=key.headers)).status_code


class TestCreate:
    async def test_shows_the_key_once(self, client: httpx.AsyncClient, people: People) -> None:
        """The answer alone has the key, and nobody may store it; the list shows everything else."""
        answer = await client.post(KEYS, json=BODY, headers=people.admin.headers)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
        created = answer.json()
        text = created.pop("key")
        sent = KeyText.parse(text)
        assert sent
        assert (sent.user_id, sent.key_id) == (people.admin.id, created["id"])
        assert created == {
            "id": sent.key_id,
            **BODY,
            "created_by": people.admin.id,
            "created_at": "2027-03-01T12:00:00Z",
            "expires_at": None,
            "last_used_at": None,
        }
        listed = await client.get(KEYS, headers=people.admin.headers)
        assert listed.json()["items"] == [created]
        assert sent.secret not in listed.text

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": "  "}, "#/name"),
            ({"name": "a\u2028b"}, "#/name"),
            ({"name": "\u200b\u3164"}, "#/name"),
            ({"name": "a\u202eb"}, "#/name"),
            ({"name": "a" * 101}, "#/name"),
            ({"name": None}, "#/name"),
            ({"actions": []}, "#/actions"),
            ({"actions": "users:list"}, "#/actions"),
            ({"actions": ["users:unheard_of"]}, "#/actions/0"),
            ({"actions": ["users:list", "users:list"]}, "#/actions/1"),
            ({"actions": [{"$gt": ""}]}, "#/actions/0"),
            ({"actions": ["users:list", "keys:create"]}, "#/actions/1"),
            ({"actions": ["users:list"] * 501}, "#/actions"),
            ({"expires_in_days": 0}, "#/expires_in_days"),
            ({"expires_in_days": 3651}, "#/expires_in_days"),
            ({"expires_in_days": 2**70}, "#/expires_in_days"),
            ({"expires_in_days": "7"}, "#/expires_in_days"),
            ({"expires_in_days": True}, "#/expires_in_days"),
            ({"id": new_id()}, "#/id"),
            ({"created_by": new_id()}, "#/created_by"),
        ],
    )
    async def test_refused(
        self, client: httpx.AsyncClient, people: People, change: dict[str, Any], pointer: str
    ) -> None:
        """A body that isn't valid is refused with the place of what is wrong, and nothing is created."""
        answer = await client.post(KEYS, json=BODY | change, headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert (await client.get(KEYS, headers=people.admin.headers)).json()["total"] == 0

    @pytest.mark.parametrize(
        "action",
        [
            "keys:create",
            "keys:list",
            "keys:revoke",
            "system:read",
            "users:create",
            "users:update",
            "account:read",
            "account:update",
        ],
    )
    async def test_not_for_keys(self, client: httpx.AsyncClient, people: People, action: str) -> None:
        """Keys, roles and the creator's own account are for no key; the message names what is."""
        answer = await client.post(KEYS, json=BODY | {"actions": [action]}, headers=people.admin.headers)
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#/actions/0", "enum")
        assert error["message"] == "Must be one of: users:list, users:read"

    async def test_fifty_at_most(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Of many at once fifty are created, the next one after a revocation. Another administrator has their own."""
        sent = [client.post(KEYS, json=BODY, headers=people.admin.headers) for _ in range(MAX_KEYS + 10)]
        answers = await asyncio.gather(*sent)
        codes = [answer.json()["code"] for answer in answers if answer.status_code == 400]
        assert codes == ["too_many_keys"] * 10
        created = [answer.json() for answer in answers if answer.status_code == 201]
        assert len({key["key"] for key in created}) == MAX_KEYS
        another = await an_account(app, "admin")
        assert (await client.post(KEYS, json=BODY, headers=another.headers)).status_code == 201
        address = f"{KEYS}/{created[0]['id']}"
        assert (await client.delete(address, headers=people.admin.headers)).status_code == 204
        statuses = [(await client.post(KEYS, json=BODY, headers=people.admin.headers)).status_code for _ in range(2)]
        assert statuses == [201, 400]

    @pytest.mark.parametrize("change", [{"role": "interviewer"}, {"active": False}])
    async def test_meanwhile_demoted(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, change: dict[str, Any]
    ) -> None:
        """What a guard let through creates no key once its caller is no active administrator any more."""
        policy = app.state.parley.require(PolicyTable)
        victim = await an_account(app, "admin")
        token = victim.headers["Authorization"].removeprefix("Bearer ")
        principal = await app.state.parley.require(Authenticator).authenticate(token)
        answer = await client.patch(f"{USERS}/{victim.id}", json=change, headers=people.admin.headers)
        assert answer.status_code == 200
        service = app.state.parley.require(KeyService)
        with pytest.raises(PermissionDenied):
            await service.create(ApiKeyCreate.model_validate(BODY), Access(principal, "r", policy))
        assert (await client.get(KEYS, headers=people.admin.headers)).json()["total"] == 0


class TestList:
    async def test_of_all_administrators(self, app: FastAPI, client: httpx.AsyncClient, clock: MovableClock) -> None:
        """Every administrator sees everybody's keys, oldest first, page by page; nobody else is in it."""
        admins = [await an_account(app, "admin") for _ in range(3)]
        await an_account(app)
        created = []
        for number in range(7):
            clock.move(timedelta(seconds=1))
            created.append((await an_api_key(client, admins[number % 3], "users:list")).id)
        pages = [page.json() async for page in walk(client, f"{KEYS}?limit=3", headers=admins[0].headers)]
        assert [key["id"] for page in pages for key in page["items"]] == created
        assert [(len(page["items"]), page["total"], page["offset"]) for page in pages] == [
            (3, 7, 0),
            (3, 7, 3),
            (1, 7, 6),
        ]
        assert [key["created_by"] for page in pages for key in page["items"]] == [admins[n % 3].id for n in range(7)]
        beyond = (await client.get(f"{KEYS}?offset=7", headers=admins[0].headers)).json()
        assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 7, None)

    async def test_while_others_write(self, client: httpx.AsyncClient, people: People, clock: MovableClock) -> None:
        """A walk meets each key that stays once, while those that it has met are revoked and others come."""
        lasting, page = [(await an_api_key(client, people.admin, "users:list")).id for _ in range(9)], f"{KEYS}?limit=2"
        seen: list[str] = []
        for _ in range(20):
            answer = (await client.get(page, headers=people.admin.headers)).json()
            seen += [item["id"] for item in answer["items"]]
            await client.delete(f"{KEYS}/{seen[-1]}", headers=people.admin.headers)
            if (page := answer["next"]) is None:
                break
            clock.move(timedelta(milliseconds=1))
            if len(seen) < MAX_KEYS // 5:
                await an_api_key(client, people.admin, "users:list")
        assert len(seen) == len(set(seen))
        assert set(lasting) <= set(seen)

    async def test_empty(self, client: httpx.AsyncClient, people: People) -> None:
        """Without keys there is an empty page."""
        page = (await client.get(KEYS, headers=people.admin.headers)).json()
        assert page == {"items": [], "total": 0, "limit": 20, "offset": 0, "next": None}


class TestRevoke:
    async def test_by_another_administrator(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Any administrator revokes any key: its next request is 401, and no other key's is."""
        key, other = [await an_api_key(client, people.admin, "users:list") for _ in range(2)]
        another = await an_account(app, "admin")
        assert await status_with(client, key) == 200
        assert (await client.delete(f"{KEYS}/{key.id}", headers=another.headers)).status_code == 204
        assert (await status_with(client, key), await status_with(client, other)) == (401, 200)
        listed = (await client.get(KEYS, headers=people.admin.headers)).json()["items"]
        assert [one["id"] for one in listed] == [other.id]

    async def test_once(self, client: httpx.AsyncClient, people: People) -> None:
        """A second time it is 404, at once too, as for a key that never existed."""
        key = await an_api_key(client, people.admin, "users:list")
        address, headers = f"{KEYS}/{key.id}", people.admin.headers
        answers = await asyncio.gather(*[client.delete(address, headers=headers) for _ in range(5)])
        assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404, 404]
        never = await client.delete(f"{KEYS}/{new_id()}", headers=headers)
        assert (never.status_code, never.json()["code"]) == (404, "key_not_found")


class TestRecorded:
    async def test_in_the_history(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Creation and revocation are entries of the creator's history: who, and which key, without name and secret."""
        key = await an_api_key(client, people.admin, "users:read", name="Ada's laptop")
        another = await an_account(app, "admin")
        stored = await app.state.parley.database.users.find_one({"_id": people.admin.id})
        assert (await client.delete(f"{KEYS}/{key.id}", headers=another.headers)).status_code == 204
        page = await client.get(f"{USERS}/{people.admin.id}/history", headers=people.admin.headers)
        shown = {"id": key.id, "actions": ["users:read"]}
        assert [(e["rev"], e["type"], e["actor"], e["changes"]) for e in page.json()["items"][1:]] == [
            (2, "user.key_created", people.admin.id, {"key": {"from": None, "to": shown}}),
            (3, "user.key_revoked", another.id, {"key": {"from": shown, "to": None}}),
        ]
        entries = str(await logged(app, people.admin.id))
        for secret in ("laptop", key.text, key.text[-64:], stored["keys"][0]["digest"]):
            assert secret not in page.text + entries

    async def test_refused_ones_are_not(self, client: httpx.AsyncClient, people: People) -> None:
        """What is refused leaves no entry."""
        await client.post(KEYS, json=BODY | {"actions": ["x"]}, headers=people.admin.headers)
        await client.delete(f"{KEYS}/{new_id()}", headers=people.admin.headers)
        page = await client.get(f"{USERS}/{people.admin.id}/history", headers=people.admin.headers)
        assert page.json()["total"] == 1


class TestValid:
    async def test_until_it_expires(self, client: httpx.AsyncClient, people: People, clock: MovableClock) -> None:
        """A key works until its time is over, to the second, and its list entry says when."""
        key = await an_api_key(client, people.admin, "users:list", expires_in_days=2)
        [listed] = (await client.get(KEYS, headers=people.admin.headers)).json()["items"]
        assert listed["expires_at"] == (NOON + timedelta(days=2)).isoformat().replace("+00:00", "Z")
        clock.move(timedelta(days=2, seconds=-1))
        assert await status_with(client, key) == 200
        clock.move(timedelta(seconds=1))
        answer = await client.get(USERS, headers=key.headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    async def test_for_years(self, client: httpx.AsyncClient, people: People, clock: MovableClock) -> None:
        """A key without an end works when every session has long ended."""
        key = await an_api_key(client, people.admin, "users:list")
        clock.move(timedelta(days=4000))
        assert (await client.get(USERS, headers=people.admin.headers)).status_code == 401
        assert await status_with(client, key) == 200

    @pytest.mark.parametrize(
        ("change", "back"), [({"role": "interviewer"}, {"role": "admin"}), ({"active": False}, {"active": True})]
    )
    async def test_while_its_creator_is_administrator(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, change: dict[str, Any], back: dict[str, Any]
    ) -> None:
        """Demotion and deactivation revoke all keys for good: they don't come back with the role or the account."""
        creator = await an_account(app, "admin")
        key = await an_api_key(client, creator, "users:list")
        for body in (change, back):
            answer = await client.patch(f"{USERS}/{creator.id}", json=body, headers=people.admin.headers)
            assert answer.status_code == 200
            assert await status_with(client, key) == 401
        assert (await client.get(KEYS, headers=people.admin.headers)).json()["total"] == 0

    @pytest.mark.parametrize("change", [{"role": "interviewer"}, {"active": False}])
    async def test_even_if_it_is_still_stored(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, change: dict[str, Any]
    ) -> None:
        """The stored role and activity are looked at on each request, however they have changed."""
        key = await an_api_key(client, people.admin, "users:list")
        await app.state.parley.database.users.update_one({"_id": people.admin.id}, {"$set": change})
        assert await status_with(client, key) == 401

    async def test_other_changes_leave_it(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """A new name, a logout and another administrator's demotion revoke nothing."""
        key = await an_api_key(client, people.admin, "users:list")
        headers = await log_in(app.state.parley, people.admin.user)
        another = await an_account(app, "admin")
        for account_id, change in ((people.admin.id, {"name": "Ada"}), (another.id, {"role": "candidate"})):
            answer = await client.patch(f"{USERS}/{account_id}", json=change, headers=headers)
            assert answer.status_code == 200
        assert (await client.post("/v1/auth/logout-all", headers=headers)).status_code == 204
        assert await status_with(client, key) == 200


class TestOlder:
    @pytest.mark.parametrize("field", ["name", "expires_at", "last_used_at"])
    async def test_lacks_a_field(self, app: FastAPI, client: httpx.AsyncClient, people: People, field: str) -> None:
        """A key that lacks a field of later releases works, is listed and revoked like any other."""
        key = await an_api_key(client, people.admin, "users:list")
        await app.state.parley.database.users.update_one({}, {"$unset": {f"keys.$[].{field}": ""}})
        assert await status_with(client, key) == 200
        [listed] = (await client.get(KEYS, headers=people.admin.headers)).json()["items"]
        assert (listed["id"], listed["name"]) == (key.id, "" if field == "name" else "A script")
        assert (await client.delete(f"{KEYS}/{key.id}", headers=people.admin.headers)).status_code == 204
        assert await status_with(client, key) == 401

    @pytest.mark.parametrize("change", [{"$unset": {"keys": ""}}, {"$set": {"keys": []}}])
    async def test_account_without_keys(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, change: dict[str, Any]
    ) -> None:
        """An account that lacks the array, or has an empty one, gets its first key."""
        await app.state.parley.database.users.update_one({"_id": people.admin.id}, change)
        assert await status_with(client, await an_api_key(client, people.admin, "users:list")) == 200


class TestGuessing:
    @pytest.mark.attack
    async def test_mutated(self, client: httpx.AsyncClient, people: People) -> None:
        """No key that differs from an issued one in any place gets in; each is answered alike."""
        keys = [await an_api_key(client, people.admin, "users:list") for _ in range(2)]
        answers = set()
        for number in range(rounds(60, full=10_000)):
            text = mutated(keys[0].text, keys[1].text, number)
            answer = await client.get(USERS, headers={"Authorization": f"Bearer {text}"})
            answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
        [(status, code, _)] = answers
        assert (status, code) == (401, "invalid_token")
        assert [await status_with(client, key) for key in keys] == [200, 200]

    async def test_parts_of_two_keys(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """The secret of one key with the id of another, or with another administrator's id, is no key."""
        another = await an_account(app, "admin")
        one, two = await an_api_key(client, people.admin, "users:list"), await an_api_key(client, another, "users:list")
        first, second = KeyText.parse(one.text), KeyText.parse(two.text)
        assert first
        assert second
        forged = [
            KeyText(first.user_id, second.key_id, second.secret),
            KeyText(second.user_id, first.key_id, first.secret),
            KeyText(first.user_id, first.key_id, second.secret),
            KeyText(new_id(), first.key_id, first.secret),
            KeyText(first.user_id, new_id(), first.secret),
        ]
        for key in forged:
            assert await status_with(client, IssuedKey(key.key_id, key.text)) == 401

    async def test_the_digest_is_no_secret(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Who has read the database can't call with what is stored there."""
        key = await an_api_key(client, people.admin, "users:list")
        stored = await app.state.parley.database.users.find_one({"_id": people.admin.id})
        forged = KeyText(people.admin.id, key.id, stored["keys"][0]["digest"])
        keys = app.state.parley.require(KeyAuthenticator)
        assert (await keys.principal_of(key.text)).session_id == key.id
        with pytest.raises(InvalidToken):
            await keys.principal_of(forged.text)

    async def test_nothing_is_read_for_another_text(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A text that no key has is refused before anything is read."""
        reads = _Reads()
        monkeypatch.setattr(app.state.parley.require(KeyAuthenticator), "_accounts", reads)
        for text in ("parley_", f"parley_{people.admin.id}_x", "parley_" + "g" * 113):
            assert await status_with(client, IssuedKey("", text)) == 401
        assert reads.asked == []
        known = KeyText.new(people.admin.id, new_id())
        assert await status_with(client, IssuedKey("", known.text)) == 401
        assert reads.asked == [people.admin.id]


class _Reads:
    """Notes which accounts are read, and finds none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def read_with_key(self, user_id: str, _key_id: str) -> None:
        self.asked.append(user_id)


def mutated(text: str, other: str, number: int) -> str:
    """Return the text with another digit at one place, one less, one more, or with the other's end from there on."""
    place, kind = 7 + number % (len(text) - 7), number // (len(text) - 7) % 4
    if kind == 0 or place == len(text) - 1:
        digit = "0123456789abcdef"[(int(text[place], 16) + 1 + number // 452 % 15) % 16] if text[place] != "_" else "0"
        return text[:place] + digit + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    if kind == 2:
        return text[:place] + text[place] + text[place:]
    swapped = text[: place + 1] + other[place + 1 :]
    return swapped if swapped not in {text, other} else text[:-1]
