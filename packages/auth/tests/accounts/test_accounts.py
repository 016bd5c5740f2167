"""Registration and login, over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher, extract_parameters
from counts import rounds
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.passwords import hashing as passwords
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client

REGISTER, LOGIN, FORM = "/v1/auth/register", "/v1/auth/login", "/v1/auth/token"
ADA = {"email": "ada@example.com", "password": PASSWORD}


def a_body(**changes: Any) -> dict[str, Any]:
    return ADA | changes


def a_form(**changes: str) -> dict[str, str]:
    return {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD} | changes


class TestRegister:
    async def test_makes_a_candidate(self, client: httpx.AsyncClient) -> None:
        """A registration answers the new account: active, candidate, without anything secret."""
        answer = await client.post(REGISTER, json=a_body(name=" Ada Lovelace "))
        account = answer.json()
        assert answer.status_code == 201
        assert account.keys() == {"id", "email", "name", "role", "active", "state", "verified", "created_at"}
        assert (account["email"], account["name"]) == ("ada@example.com", "Ada Lovelace")
        assert (account["role"], account["active"]) == ("candidate", True)
        assert (account["state"], account["verified"]) == ("active", False)
        assert account["created_at"] == "2027-03-01T12:00:00Z"

    async def test_role_is_stored_as_plain_text(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """The role is stored as plain text."""
        await client.post(REGISTER, json=ADA)
        stored = await app.state.parley.database.users.find_one({"email": "ada@example.com"})
        assert type(stored["role"]) is str
        assert (stored["role"], stored["rev"], stored["token_version"]) == ("candidate", 1, 0)

    async def test_email_is_taken_in_any_spelling(self, client: httpx.AsyncClient) -> None:
        """An e-mail is the same in any case and with any surrounding space."""
        await client.post(REGISTER, json=ADA)
        for email in ("ada@example.com", "ADA@Example.COM", "  ada@example.com\t"):
            answer = await client.post(REGISTER, json=a_body(email=email))
            assert (answer.status_code, answer.json()["code"]) == (400, "duplicate_email")
            assert "ada@" not in answer.text.lower()

    async def test_no_other_field(self, app: FastAPI, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """A field that the caller may not set is refused, and no account is created."""
        refused = {"code": "extra_forbidden", "message": "Extra inputs are not permitted"}
        for field in ("role", "id", "_id", "active", "rev", "token_version", "password_hash", "history"):
            with subtests.test(field):
                answer = await client.post(REGISTER, json=a_body(**{field: "admin"}))
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert answer.json()["errors"] == [{"pointer": f"#/{field}", **refused}]
        assert await app.state.parley.database.users.count_documents({}) == 0

    async def test_closed(self, core_settings: CoreSettings) -> None:
        """While registration is closed nobody can register, and the documentation says so."""
        settings = [core_settings, auth_settings(auth_registration="closed")]
        async with running_client(an_application(settings, [parley_auth.plugin])) as client:
            answer = await client.post(REGISTER, json=ADA)
        assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
        assert answer.json()["category"] == "authorization"

    @pytest.mark.attack
    async def test_twenty_at_once(self, client: httpx.AsyncClient) -> None:
        """Of 20 concurrent registrations of one e-mail exactly one succeeds, in each round."""
        for number in range(rounds(2, full=5)):
            body = a_body(email=f"ada{number}@example.com")
            answers = await asyncio.gather(*(client.post(REGISTER, json=body) for _ in range(20)))
            refused = [answer.json()["code"] for answer in answers if answer.status_code == 400]
            assert sorted(a.status_code for a in answers) == [201] + [400] * 19
            assert refused == ["duplicate_email"] * 19

    async def test_malformed_email(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """A malformed e-mail is refused by its pointer and not repeated."""
        texts = ["", "zoe", "zoe@", "@zoe.com", "Zoe <zoe@zoe.com>", "zoe@zoe@zoe.com", "zoe@z oe.com"]
        texts += ["zoe\x00@zoe.com", "zoe\n@zoe.com", "zoe" * 84 + "@zoe.com"]
        for email in (*texts, None, 7, ["zoe@zoe.com"], {"$gt": "zoe"}):
            with subtests.test(repr(email)):
                answer = await client.post(REGISTER, json=a_body(email=email))
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert [error["pointer"] for error in answer.json()["errors"]] == ["#/email"]
                assert "zoe" not in answer.text

    async def test_mailboxes_that_fold_alike_are_two(self, client: httpx.AsyncClient) -> None:
        """`straße@` and `strasse@` are two accounts."""
        for email in ("straße@example.com", "strasse@example.com"):
            answer = await client.post(REGISTER, json=a_body(email=email))
            assert (answer.status_code, answer.json()["email"]) == (201, email)

    async def test_malformed_name(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """A name is one line of 1 to 100 characters."""
        for name in ("", "  ", "a" * 101, "a\x00b", "a\nb", 7):
            with subtests.test(repr(name)):
                answer = await client.post(REGISTER, json=a_body(name=name))
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert [error["pointer"] for error in answer.json()["errors"]] == ["#/name"]


class TestPasswordRules:
    async def test_weak(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """A short or common password, in any case, is refused and not repeated."""
        for password in ("a7!kQp2", "", "password1", "PassWord1", "iloveyou", "qwertyuiop"):
            with subtests.test(password):
                answer = await client.post(REGISTER, json=a_body(password=password))
                assert (answer.status_code, answer.json()["code"]) == (400, "weak_password")
                assert not password or password not in answer.text

    async def test_own_names(self, client: httpx.AsyncClient, canaries: Any, subtests: pytest.Subtests) -> None:
        """A password can't be the e-mail, its first part, the name or a word of this product."""
        for password in ("Ada.Lovelace@example.com", "ada.lovelace", "Lady Lovelace", "Interviewer"):
            with subtests.test(password):
                body = a_body(email="ada.lovelace@example.com", name="Lady Lovelace", password=password)
                answer = await client.post(REGISTER, json=body)
                assert (answer.status_code, answer.json()["code"]) == (400, "weak_password")
        body = a_body(email="ada.lovelace@example.com", password="ada.lovelace is no name")
        assert (await client.post(REGISTER, json=body)).status_code == 201
        canaries.secrets.clear()  # the address is answered, as an address

    async def test_too_long(self, client: httpx.AsyncClient) -> None:
        """A password of 129 characters is refused rather than cut, and not repeated."""
        answer = await client.post(REGISTER, json=a_body(password="qx7!" * 32 + "z"))
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == "#/password"
        assert "qx7!" not in answer.text

    async def test_strong(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """Any Unicode text of 8 to 128 characters can be a password, and then logs in."""
        passwords = ["qx7!kQp2", "qx7!" * 32, "пароль с пробелами", "🐎🔋📎🧷🐎🔋📎🧷", "  eight  ", "tab\tand\x00nul"]
        for number, password in enumerate(passwords):
            with subtests.test(password):
                body = a_body(email=f"ada{number}@example.com", password=password)
                assert (await client.post(REGISTER, json=body)).status_code == 201
                assert (await client.post(LOGIN, json=body)).status_code == 200

    async def test_every_character_counts(self, client: httpx.AsyncClient) -> None:
        """Passwords that differ only in their 128th character, or in a space at an end, are different."""
        longest = "qx7!" * 31 + "abc"
        await client.post(REGISTER, json=a_body(password=longest + "d"))
        for other in (longest + "e", longest, longest + "d "):
            answer = await client.post(LOGIN, json=a_body(password=other))
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")

    async def test_minimum_can_be_raised(self, core_settings: CoreSettings) -> None:
        """PARLEY_PASSWORD_MIN_LENGTH raises the minimum, and the answer says how long a password must be."""
        settings = [core_settings, auth_settings(password_min_length=20)]
        async with running_client(an_application(settings, [parley_auth.plugin])) as client:
            short = await client.post(REGISTER, json=a_body(password="x7" * 9 + "q"))
            enough = await client.post(REGISTER, json=a_body(password="x7" * 10))
        assert (short.status_code, enough.status_code) == (400, 201)
        assert short.json()["detail"] == "The password must have at least 20 characters"

    async def test_not_a_text(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """Only a string is a password, not a value that could be converted to one."""
        for password in (None, 12345678, [PASSWORD], True, {"$ne": PASSWORD}):
            with subtests.test(repr(password)):
                answer = await client.post(REGISTER, json=a_body(password=password))
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert PASSWORD not in answer.text

    async def test_stored_as_argon2id(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """The database stores an argon2id hash with OWASP's minimum parameters, and nowhere the password."""
        await client.post(REGISTER, json=ADA)
        stored = await app.state.parley.database.users.find_one({})
        assert stored["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert PASSWORD not in str(stored)


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, email="ada@example.com", password=PASSWORD)


class TestLogin:
    async def test_json(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A login returns a bearer token for ten minutes; no cache may store it, and it gives access to the account."""
        answer = await client.post(LOGIN, json=ADA)
        token = answer.json()
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token['access_token']}"})
        assert answer.status_code == 200
        assert token.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (token["token_type"], token["expires_in"]) == ("bearer", 600)
        assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
        assert me.json()["id"] == ada.id

    async def test_form(self, client: httpx.AsyncClient, ada: Account) -> None:
        """The OAuth2 form logs in too, whatever other fields an OAuth2 client sends."""
        form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
        answer = await client.post(FORM, data=form | {"scope": "", "client_id": "docs", "client_secret": "none"})
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert answer.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert me.json()["id"] == ada.id

    @pytest.mark.usefixtures("ada")
    async def test_any_spelling_of_the_email(self, client: httpx.AsyncClient) -> None:
        """An account that was registered with one spelling logs in with another."""
        for email in ("ADA@example.com", " ada@EXAMPLE.com "):
            assert (await client.post(LOGIN, json=a_body(email=email))).status_code == 200
            assert (await client.post(FORM, data=a_form(username=email))).status_code == 200

    @pytest.mark.parametrize(
        ("registered", "typed"),
        [("jos\u00e9@example.com", "jose\u0301@example.com"), ("ada@xn--bcher-kva.example", "Ada@BÜCHER.example")],
        ids=["composed and decomposed", "both spellings of a domain"],
    )
    async def test_one_email_in_two_encodings(self, client: httpx.AsyncClient, registered: str, typed: str) -> None:
        """Two encodings of one mailbox are one account."""
        assert (await client.post(REGISTER, json=a_body(email=registered))).status_code == 201
        assert (await client.post(LOGIN, json=a_body(email=typed))).status_code == 200
        assert (await client.post(REGISTER, json=a_body(email=typed))).json()["code"] == "duplicate_email"

    async def test_refusals_are_alike(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """Wrong password, unknown e-mail, inactive and invited account get the same answer, headers included."""
        await an_account(app, email="inactive@example.com", password=PASSWORD, active=False)
        await an_account(app, email="invited@example.com", invited=True)
        headers = {"X-Request-ID": "same"}
        attempts = [
            a_body(password="ten green bottles"),
            a_body(email="bob@example.com"),
            a_body(email="no e-mail"),
            a_body(email="inactive@example.com"),
            a_body(email="inactive@example.com", password="ten green bottles"),
            a_body(email="invited@example.com"),
        ]
        forms = [a_form(username=body["email"], password=body["password"]) for body in attempts]
        answers = [await client.post(LOGIN, json=body, headers=headers) for body in attempts]
        of_forms = [await client.post(FORM, data=form, headers=headers) for form in forms]
        for alike in (answers, of_forms):
            assert {(a.status_code, a.text, str(a.headers)) for a in alike} == {
                (401, alike[0].text, str(alike[0].headers))
            }
        assert answers[0].json()["code"] == "invalid_credentials"
        assert answers[0].json()["category"] == "authentication"
        assert answers[0].headers["WWW-Authenticate"] == "Bearer"
        assert ada.user.email not in answers[0].text

    async def test_refusals_do_the_same_work(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every refusal computes one hash of the same cost, so that the time reveals nothing about an account."""
        await an_account(app, email="inactive@example.com", password=PASSWORD, active=False)
        await an_account(app, email="invited@example.com", invited=True)
        hasher = CountingHasher()
        monkeypatch.setattr(passwords, "HASHER", hasher)
        for email in (ada.user.email, "bob@example.com", "no e-mail", "inactive@example.com", "invited@example.com"):
            answer = await client.post(LOGIN, json=a_body(email=email, password="ten green bottles"))
            assert answer.status_code == 401
        assert len(hasher.costs) == 5
        assert len(set(hasher.costs)) == 1

    async def test_rehash(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a change of parameters the next login rehashes the password, once, and its session stays alive."""
        users = app.state.parley.database.users
        before = (await users.find_one({"_id": ada.id}))["password_hash"]
        monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=3, memory_cost=20 * 1024, parallelism=1))
        token = (await client.post(LOGIN, json=ADA)).json()["access_token"]
        raised = (await users.find_one({"_id": ada.id}))["password_hash"]
        assert before.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert raised.startswith("$argon2id$v=19$m=20480,t=3,p=1$")
        assert (await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
        assert (await client.post(LOGIN, json=ADA)).status_code == 200
        stored = await users.find_one({"_id": ada.id})
        assert (stored["password_hash"], stored["rev"]) == (raised, 1)

    async def test_no_rehash_of_a_wrong_password(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A failed login changes nothing."""
        users, without = app.state.parley.database.users, {"history": False}  # which moves into the log
        before = await users.find_one({"_id": ada.id}, without)
        monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=3, memory_cost=20 * 1024, parallelism=1))
        assert (await client.post(LOGIN, json=a_body(password="ten green bottles"))).status_code == 401
        assert await users.find_one({"_id": ada.id}, without) == before

    async def test_malformed(self, client: httpx.AsyncClient, ada: Account, subtests: pytest.Subtests) -> None:
        """A malformed body, also one with MongoDB operators, is a validation problem that repeats none of it."""
        broken: list[Any] = [{"email": {"$gt": ""}}, {"password": {"$ne": None}}, {"email": [ada.user.email]}]
        bodies = [
            *(ADA | changes for changes in broken),
            ADA | {"remember": True},
            {"email": ada.user.email},
            [],
            "ada",
        ]
        for body in bodies:
            with subtests.test(repr(body)):
                answer = await client.post(LOGIN, json=body)
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert PASSWORD not in answer.text
                assert ada.user.email not in answer.text

    async def test_strange_email(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """An impossible e-mail is answered like an unknown one."""
        for email in ("a\x00b", "x" * 3_000, "$where", "", "\u202e@example.com"):
            with subtests.test(ascii(email)):
                answer = await client.post(LOGIN, json=a_body(email=email))
                assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")

    async def test_lone_surrogate(self, client: httpx.AsyncClient) -> None:
        """Text with a lone surrogate is a malformed body, not a server error."""
        headers = {"Content-Type": "application/json"}
        answer = await client.post(LOGIN, content=rb'{"email": "\ud800", "password": "x"}', headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    async def test_other_accounts_password(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """A password gives access to its own account only."""
        await an_account(app, email="bob@example.com", password="eight red balloons")
        answer = await client.post(LOGIN, json={"email": ada.user.email, "password": "eight red balloons"})
        assert answer.status_code == 401

    async def test_account_without_usable_hash(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """An account with an unusable stored hash can't log in, without a server error."""
        account = await an_account(app, "admin")
        answer = await client.post(LOGIN, json=a_body(email=account.user.email))
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


class TestForm:
    async def test_malformed(self, client: httpx.AsyncClient) -> None:
        """Errors of the form are problems with pointers to its fields."""
        forms: list[tuple[dict[str, str], list[str]]] = [
            ({}, ["#/grant_type"]),
            ({"grant_type": "password"}, ["#/username", "#/password"]),
            ({"grant_type": "password", "username": "ada@example.com"}, ["#/password"]),
            ({"grant_type": "refresh_token", "username": "a", "password": "b"}, ["#/refresh_token"]),
            ({"grant_type": "client_credentials"}, ["#/grant_type"]),
        ]
        for form, pointers in forms:
            answer = await client.post(FORM, data=form)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
            assert [error["pointer"] for error in answer.json()["errors"]] == pointers

    async def test_json_is_no_form(self, client: httpx.AsyncClient) -> None:
        """JSON that is sent to the form counts as a form without fields."""
        answer = await client.post(FORM, json={"username": "ada@example.com", "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    async def test_multipart(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A form may also be multipart; a file in it isn't text."""
        parts = {"grant_type": (None, "password"), "username": (None, ada.user.email), "password": (None, PASSWORD)}
        answer = await client.post(FORM, files=parts)
        file = await client.post(FORM, files=parts | {"password": ("password.txt", PASSWORD)})
        assert (answer.status_code, file.status_code) == (200, 400)
        assert PASSWORD not in file.text

    async def test_too_large(self, client: httpx.AsyncClient) -> None:
        """A form of over 4 KiB is refused."""
        for size in (4 * 1024 + 1, 1024 * 1024):
            answer = await client.post(FORM, data=a_form(password="x" * size))
            assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")

    async def test_many_fields(self, client: httpx.AsyncClient) -> None:
        """More than a thousand fields are a malformed form, not a server error."""
        answer = await client.post(
            FORM, content=b"f=&" * 1200, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


class CountingHasher(PasswordHasher):
    """The real hasher, which records what each verification cost."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self.costs: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.costs.append(repr(extract_parameters(str(hash))))
        return super().verify(hash, password)
