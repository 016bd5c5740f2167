"""Your own account, and all accounts for administrators, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.testing import PASSWORD, Account, People, an_account, auth_settings, log_in, roles_plugin
from parley_core import new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client

ME, USERS, PASSWORD_URL = "/v1/users/me", "/v1/users", "/v1/users/me/password"
TEAM = roles_plugin("interviewer", registers="candidate")
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "ten blue bottles"}


class TestOwnAccount:
    async def test_read(self, client: httpx.AsyncClient, people: People) -> None:
        """Every role reads its own account, including the e-mail."""
        answer = await client.get(ME, headers=people.candidate.headers)
        assert answer.json() == {
            "id": people.candidate.id,
            "email": people.candidate.user.email,
            "name": people.candidate.user.name,
            "role": "candidate",
            "active": True,
            "state": "active",
            "verified": False,
            "created_at": "2027-03-01T12:00:00Z",
        }

    async def test_rename(self, client: httpx.AsyncClient, people: People) -> None:
        """A name is changed, left alone and cleared."""
        for body, name in [({"name": " Ada King "}, "Ada King"), ({}, "Ada King"), ({"name": None}, None)]:
            answer = await client.patch(ME, json=body, headers=people.candidate.headers)
            assert (answer.status_code, answer.json()["name"]) == (200, name)
            assert (await client.get(ME, headers=people.candidate.headers)).json() == answer.json()

    async def test_names_that_deceive(self, client: httpx.AsyncClient, people: People) -> None:
        """A name that can't be seen or that changes the direction of text is refused; joiners inside it stay."""
        for name in (
            "\u200b",
            "\u2800\u3164",
            "\U000e0041",
            "\u0301",
            "\u202eadA",
            "Ada\u2066",
            "\u200eAda",
            "Ada\u061c",
        ):
            answer = await client.patch(ME, json={"name": name}, headers=people.candidate.headers)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/name")
            new = {"email": "new@example.com", "password": PASSWORD, "name": name}
            assert (await client.post("/v1/auth/register", json=new)).status_code == 400
        for name in ("می\u200cخواهم", "Ada 👩\u200d🚀", "עדה"):
            answer = await client.patch(ME, json={"name": name}, headers=people.candidate.headers)
            assert answer.json()["name"] == name

    async def test_older_names_stay(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """A name that an earlier release took is read, by its owner and in the list, and other fields change."""
        name = "\u202eadA\u2800"
        users = app.state.parley.database.users
        await users.update_one({"_id": people.candidate.id}, {"$set": {"name": name}})
        assert (await client.get(ME, headers=people.candidate.headers)).json()["name"] == name
        listed = (await client.get("/v1/users", headers=people.admin.headers)).json()["items"]
        assert name in [user["name"] for user in listed]
        address = f"/v1/users/{people.candidate.id}"
        answer = await client.patch(address, json={"role": "interviewer"}, headers=people.admin.headers)
        assert (answer.json()["name"], answer.json()["role"]) == (name, "interviewer")

    async def test_text_like_a_field_is_text(self, client: httpx.AsyncClient, people: People) -> None:
        """A name that looks like a MongoDB field path is stored as it is."""
        answer = await client.patch(ME, json={"name": "$password_hash"}, headers=people.candidate.headers)
        assert answer.json()["name"] == "$password_hash"

    async def test_nothing_else(self, client: httpx.AsyncClient, people: People, subtests: pytest.Subtests) -> None:
        """Callers can't change their own role, activity, e-mail or any other field."""
        for field in ("role", "active", "email", "id", "token_version", "password_hash", "password"):
            with subtests.test(field):
                answer = await client.patch(ME, json={"name": "x", field: "admin"}, headers=people.candidate.headers)
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/{field}"]
        assert (await client.get(ME, headers=people.candidate.headers)).json()["name"] == people.candidate.user.name


class TestPassword:
    async def test_change(self, client: httpx.AsyncClient, people: People) -> None:
        """The new password logs in, the old one doesn't, and the session of the change stays alive."""
        email = people.candidate.user.email
        answer = await client.post(PASSWORD_URL, json=NEW_PASSWORD, headers=people.candidate.headers)
        old = await client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        new = await client.post("/v1/auth/login", json={"email": email, "password": "ten blue bottles"})
        assert (answer.status_code, answer.content, old.status_code, new.status_code) == (204, b"", 401, 200)
        assert (await client.get(ME, headers=people.candidate.headers)).status_code == 200
        headers = {"Authorization": f"Bearer {new.json()['access_token']}"}
        assert (await client.get(ME, headers=headers)).status_code == 200

    async def test_needs_the_current_one(self, client: httpx.AsyncClient, people: People) -> None:
        """A stolen token can't change the password: the current password is required, and nothing is repeated."""
        body = NEW_PASSWORD | {"current_password": "nine red bottles"}
        answer = await client.post(PASSWORD_URL, json=body, headers=people.candidate.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
        assert "bottles" not in answer.text
        assert (await client.get(ME, headers=people.candidate.headers)).status_code == 200

    async def test_rules(self, client: httpx.AsyncClient, people: People) -> None:
        """A new password must meet the same rules as a first one."""
        for new, code in [("qxz7!", "weak_password"), ("password1", "weak_password"), ("x7" * 65, "validation_error")]:
            body = NEW_PASSWORD | {"new_password": new}
            answer = await client.post(PASSWORD_URL, json=body, headers=people.candidate.headers)
            assert (answer.status_code, answer.json()["code"]) == (400, code)
            assert new not in answer.text

    async def test_two_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Of concurrent changes of one password one succeeds, and the account has its new password."""
        bodies = [NEW_PASSWORD | {"new_password": f"bottles in colour {number}"} for number in range(5)]
        sent = [client.post(PASSWORD_URL, json=body, headers=people.candidate.headers) for body in bodies]
        statuses = [answer.status_code for answer in await asyncio.gather(*sent)]
        logins = [
            await client.post(
                "/v1/auth/login", json={"email": people.candidate.user.email, "password": body["new_password"]}
            )
            for body in bodies
        ]
        assert statuses.count(204) == 1
        assert [s == 204 for s in statuses] == [login.status_code == 200 for login in logins]


class TestCreate:
    async def test_any_role(self, client: httpx.AsyncClient, people: People) -> None:
        """Administrators create accounts with any role, which can log in; the answer has the address."""
        for role in ("admin", "interviewer", "candidate"):
            body = {"email": f"New-{role}@Example.com", "password": PASSWORD, "role": role, "name": "New"}
            answer = await client.post(USERS, json=body, headers=people.admin.headers)
            account = answer.json()
            assert (answer.status_code, account["role"], account["email"]) == (201, role, f"new-{role}@example.com")
            stored = await client.get(answer.headers["Location"], headers=people.admin.headers)
            assert stored.json() == account
            assert (await client.post("/v1/auth/login", json={k: body[k] for k in ("email", "password")})).is_success

    async def test_refusals(self, client: httpx.AsyncClient, people: People, subtests: pytest.Subtests) -> None:
        """An account needs an unused e-mail, an acceptable password and one of the roles."""
        good = {"email": "new@example.com", "password": PASSWORD, "role": "interviewer"}
        taken = people.candidate.user.email.upper()
        bodies: dict[str, tuple[dict[str, Any], str]] = {
            "no role": ({k: v for k, v in good.items() if k != "role"}, "validation_error"),
            "unknown role": (good | {"role": "king"}, "validation_error"),
            "null role": (good | {"role": None}, "validation_error"),
            "unknown field": (good | {"active": False}, "validation_error"),
            "state": (good | {"state": "invited"}, "validation_error"),
            "weak password": (good | {"password": "12345678"}, "weak_password"),
            "taken e-mail": (good | {"email": taken}, "duplicate_email"),
        }
        for name, (body, code) in bodies.items():
            with subtests.test(name):
                answer = await client.post(USERS, json=body, headers=people.admin.headers)
                assert (answer.status_code, answer.json()["code"]) == (400, code)


class TestChange:
    async def test_each_field(self, client: httpx.AsyncClient, people: People) -> None:
        """Administrators change role, activity and name, alone or together; other fields stay as they are."""
        address = f"{USERS}/{people.candidate.id}"
        expected = (await client.get(address, headers=people.admin.headers)).json()
        changes: list[dict[str, Any]] = [
            {"role": "interviewer"},
            {"active": False},
            {"name": "Grace"},
            {"role": "candidate", "active": True, "name": None},
            {},
        ]
        for change in changes:
            expected |= change
            expected["state"] = "active" if expected["active"] else "deactivated"
            answer = await client.patch(address, json=change, headers=people.admin.headers)
            assert (answer.status_code, answer.json()) == (200, expected)
            assert (await client.get(address, headers=people.admin.headers)).json() == expected

    async def test_refusals(self, client: httpx.AsyncClient, people: People, subtests: pytest.Subtests) -> None:
        """Required fields can't be null, unknown values are refused, and other fields can't be changed."""
        address = f"{USERS}/{people.candidate.id}"
        before = (await client.get(address, headers=people.admin.headers)).json()
        bodies: list[dict[str, Any]] = [
            {"role": None},
            {"active": None},
            {"role": "king"},
            {"role": ["admin"]},
            {"active": "false"},
            {"active": 0},
            {"name": ""},
            {"name": "\u200d\ufe0f"},
            {"name": "Ada\u202e"},
            {"verified": True},
            {"state": "active"},
            {"password": PASSWORD},
            {"token_version": 0},
            {"rev": 1},
            {"$set": {"role": "admin"}},
        ]
        for body in bodies:
            with subtests.test(str(body)):
                answer = await client.patch(address, json={"name": "changed"} | body, headers=people.admin.headers)
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert (await client.get(address, headers=people.admin.headers)).json() == before

    async def test_unknown_account(self, client: httpx.AsyncClient, people: People, subtests: pytest.Subtests) -> None:
        """An unknown id is 404 and a malformed one 400, for reading and for changing."""
        ids = {new_id(): (404, "user_not_found")}
        ids |= dict.fromkeys(["zzz", people.admin.id.upper(), people.admin.id + "0", "%00", "$ne"], (400, "invalid_id"))
        for user_id, expected in ids.items():
            with subtests.test(user_id):
                read = await client.get(f"{USERS}/{user_id}", headers=people.admin.headers)
                changed = await client.patch(f"{USERS}/{user_id}", json={}, headers=people.admin.headers)
                assert (read.status_code, read.json()["code"]) == expected
                assert (changed.status_code, changed.json()["code"]) == expected

    async def test_role_is_checked_before_existence(self, client: httpx.AsyncClient, people: People) -> None:
        """A caller who may not read accounts doesn't learn which ones exist."""
        known, unknown = [
            await client.get(f"{USERS}/{user_id}", headers=people.interviewer.headers | {"X-Request-ID": "same"})
            for user_id in (people.admin.id, new_id())
        ]
        assert (known.status_code, known.text) == (403, unknown.text)


@pytest.fixture
async def second(core_settings: CoreSettings, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second worker, on the same database with the same secret."""
    app = an_application([core_settings, auth_settings()], [parley_auth.plugin, TEAM], clock=clock)
    async with running_client(app) as client:
        yield client


class TestInForceAtOnce:
    """A change on one worker applies to the next request on another."""

    async def test_deactivation(self, client: httpx.AsyncClient, second: httpx.AsyncClient, people: People) -> None:
        """A deactivated account's token is refused, also after a reactivation; a new login works."""
        address, headers = f"{USERS}/{people.candidate.id}", people.candidate.headers
        login = {"email": people.candidate.user.email, "password": PASSWORD}
        assert (await second.get(ME, headers=headers)).status_code == 200
        await client.patch(address, json={"active": False}, headers=people.admin.headers)
        assert (await second.get(ME, headers=headers)).json()["code"] == "invalid_token"
        assert (await second.post("/v1/auth/login", json=login)).json()["code"] == "invalid_credentials"
        await client.patch(address, json={"active": True}, headers=people.admin.headers)
        assert (await second.get(ME, headers=headers)).json()["code"] == "invalid_token"
        token = (await second.post("/v1/auth/login", json=login)).json()["access_token"]
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 200

    async def test_inactive_account_of_any_version(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """An inactive account is refused for that alone, whatever its token says."""
        inactive = await an_account(app)
        await app.state.parley.database.users.update_one({"_id": inactive.id}, {"$set": {"active": False}})
        answer = await client.get(ME, headers=inactive.headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")

    async def test_role_change(self, client: httpx.AsyncClient, second: httpx.AsyncClient, people: People) -> None:
        """The stored role decides: the same token permits more, and then less."""
        address, headers = f"{USERS}/{people.candidate.id}", people.candidate.headers
        for role, status in [("admin", 200), ("interviewer", 403), ("admin", 200), ("candidate", 403)]:
            await client.patch(address, json={"role": role}, headers=people.admin.headers)
            assert (await second.get(USERS, headers=headers)).status_code == status

    async def test_password_change(
        self, app: FastAPI, client: httpx.AsyncClient, second: httpx.AsyncClient, people: People
    ) -> None:
        """A password change ends every other session on every worker."""
        other = await log_in(app.state.parley, people.candidate.user)
        await client.post(PASSWORD_URL, json=NEW_PASSWORD, headers=people.candidate.headers)
        assert (await second.get(ME, headers=people.candidate.headers)).status_code == 200
        answer = await second.get(ME, headers=other)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


class TestLastAdmin:
    async def test_stays(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """The last active administrator can't be demoted or deactivated, alone or together with other changes."""
        await an_account(app, "admin", active=False)
        address = f"{USERS}/{people.admin.id}"
        both = {"role": "interviewer", "active": False}
        for body in ({"role": "candidate"}, {"active": False}, both):
            answer = await client.patch(address, json=body | {"name": "x"}, headers=people.admin.headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "last_admin")
        own = (await client.get(ME, headers=people.admin.headers)).json()
        assert (own["role"], own["active"], own["name"]) == ("admin", True, people.admin.user.name)

    async def test_may_change_otherwise(self, client: httpx.AsyncClient, people: People) -> None:
        """The last administrator may be renamed, and given the role and activity that they have."""
        body = {"role": "admin", "active": True, "name": "Root"}
        answer = await client.patch(f"{USERS}/{people.admin.id}", json=body, headers=people.admin.headers)
        assert (answer.status_code, answer.json()["name"]) == (200, "Root")

    async def test_may_go_when_there_is_another(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """With a second administrator the first may be demoted, and then the second may not."""
        other = await an_account(app, "admin")
        going = await client.patch(f"{USERS}/{people.admin.id}", json={"active": False}, headers=people.admin.headers)
        following = await client.patch(f"{USERS}/{other.id}", json={"role": "candidate"}, headers=other.headers)
        assert (going.status_code, following.status_code) == (200, 400)

    @pytest.mark.attack
    @pytest.mark.parametrize(
        ("first", "other"),
        [
            ({"role": "candidate"}, {"role": "candidate"}),
            ({"active": False}, {"active": False}),
            ({"role": "interviewer"}, {"active": False}),
        ],
        ids=["two demotions", "two deactivations", "one of each"],
    )
    async def test_two_against_each_other(
        self, app: FastAPI, client: httpx.AsyncClient, second: httpx.AsyncClient, first: Any, other: Any
    ) -> None:
        """Of two administrators who demote each other at once, on two workers, exactly one remains."""
        database = app.state.parley.database
        for _ in range(rounds(5, full=20)):
            await database.users.delete_many({})
            one, two = await an_account(app, "admin"), await an_account(app, "admin")
            answers = await asyncio.gather(
                client.patch(f"{USERS}/{two.id}", json=first, headers=one.headers),
                second.patch(f"{USERS}/{one.id}", json=other, headers=two.headers),
            )
            assert await database.users.count_documents({"role": "admin", "active": True}) == 1
            refusals = {answer.json()["code"] for answer in answers if answer.status_code != 200}
            assert sum(answer.status_code == 200 for answer in answers) == 1
            assert refusals <= {"last_admin", "permission_denied", "invalid_token"}

    async def test_many_at_once(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """Of ten administrators who demote themselves at once one remains."""
        admins: list[Account] = [await an_account(app, "admin") for _ in range(10)]
        body = {"role": "candidate"}
        sent = [client.patch(f"{USERS}/{admin.id}", json=body, headers=admin.headers) for admin in admins]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
        assert await app.state.parley.database.users.count_documents({"role": "admin"}) == 1
        assert statuses == [200] * 9 + [400]
