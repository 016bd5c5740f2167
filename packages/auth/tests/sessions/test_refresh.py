"""Refresh tokens: each works once, a second use ends the session, and a race ends nothing."""

import asyncio
import base64
import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth.sessions.models import Exchange, Repeatable
from parley_auth.signing.key_ring import KeyRing, secret_key
from parley_auth.testing import PASSWORD, Account, an_account
from parley_auth.tokens.refresh_tokens import RefreshToken, RefreshTokens
from parley_core import new_id
from parley_core.testing.builders import NOON

ME, REFRESH = "/v1/users/me", "/v1/auth/refresh"


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, password=PASSWORD)


async def logged_in(client: httpx.AsyncClient, account: Account) -> dict[str, Any]:
    body = {"email": account.user.email, "password": PASSWORD}
    pair: dict[str, Any] = (await client.post("/v1/auth/login", json=body)).json()
    return pair


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


def a_token(user_id: str, session_id: str, secret: bytes | None = None) -> RefreshToken:
    """Return a token as somebody puts it together who knows no key; older releases issued random ones too."""
    return RefreshToken(user_id, session_id, secret or secrets.token_bytes(32))


async def status_of(client: httpx.AsyncClient, pair: dict[str, Any]) -> int:
    answer = await client.get(ME, headers={"Authorization": f"Bearer {pair['access_token']}"})
    return answer.status_code


class TestExchange:
    async def test_new_pair(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A refresh answers like a login, with new tokens of the same session; the old access token stays valid."""
        first = await logged_in(client, ada)
        answer = await refreshed(client, first["refresh_token"])
        second = answer.json()
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert second.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert second["refresh_token"] != first["refresh_token"]
        assert [await status_of(client, pair) for pair in (first, second)] == [200, 200]
        headers = {"Authorization": f"Bearer {second['access_token']}"}
        assert (await client.get("/v1/auth/sessions", headers=headers)).json()["total"] == 2

    async def test_stored_as_a_digest(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """A refresh token has 128 random bits and a MAC, of which the database stores only the SHA-256."""
        pair = await logged_in(client, ada)
        token = RefreshToken.parse(pair["refresh_token"])
        assert token
        assert len(token.secret) == 32
        stored = str(await app.state.parley.database.users.find_one({"_id": ada.id}))
        assert token.digest in stored
        for spelling in (pair["refresh_token"], token.secret.hex(), base64.b64encode(token.secret).decode()):
            assert spelling not in stored

    async def test_no_token_of_ours(self, client: httpx.AsyncClient, ada: Account, subtests: pytest.Subtests) -> None:
        """Any other text is 401 `invalid_token` and ends no session."""
        token = (await logged_in(client, ada))["refresh_token"]
        unknown = [a_token(new_id(), new_id()).text, a_token(ada.id, new_id()).text]
        for text in ("", "x", token[:-1], token + "=", token + "A", "\u00e9" * 76, "." * 76, "B" + token[1:], *unknown):
            with subtests.test(ascii(text)):
                answer = await refreshed(client, text)
                assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert (await refreshed(client, token)).status_code == 200

    async def test_access_token_is_none(self, client: httpx.AsyncClient, ada: Account) -> None:
        """An access token can't be exchanged, and a refresh token gives no access."""
        pair = await logged_in(client, ada)
        assert (await refreshed(client, pair["access_token"])).json()["code"] == "invalid_token"
        answer = await client.get(ME, headers={"Authorization": f"Bearer {pair['refresh_token']}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


class TestNeverIssued:
    """Whoever knows the ids of an account and its session can't end it: the token that they make was never issued."""

    @pytest.mark.attack
    async def test_ends_nothing(self, client: httpx.AsyncClient, ada: Account, subtests: pytest.Subtests) -> None:
        """Zeros, random bytes, and issued bytes with one bit changed or with another session's ids are 401."""
        pair = await logged_in(client, ada)
        issued, other = (RefreshToken.parse(p["refresh_token"]) for p in (pair, await logged_in(client, ada)))
        assert issued
        assert other
        ids = issued.user_id, issued.session_id
        bits = (bytes([issued.secret[0] ^ 1]) + issued.secret[1:], issued.secret[:-1] + bytes([issued.secret[-1] ^ 1]))
        made = [bytes(32), issued.secret[:16] + bytes(16), bytes(16) + issued.secret[16:], other.secret, *bits]
        for secret in made:
            with subtests.test(secret.hex()):
                answer = await refreshed(client, a_token(*ids, secret).text)
                assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        for _ in range(rounds(10, full=10_000)):
            assert (await refreshed(client, a_token(*ids).text)).json()["code"] == "invalid_token"
        assert await status_of(client, pair) == 200
        assert (await refreshed(client, issued.text)).status_code == 200

    async def test_after_an_exchange(self, client: httpx.AsyncClient, ada: Account) -> None:
        """It ends nothing either when the session has a token that was exchanged."""
        first = await logged_in(client, ada)
        second = (await refreshed(client, first["refresh_token"])).json()
        issued = RefreshToken.parse(first["refresh_token"])
        assert issued
        for secret in (bytes(32), secrets.token_bytes(32)):
            answer = await refreshed(client, a_token(issued.user_id, issued.session_id, secret).text)
            assert answer.json()["code"] == "invalid_token"
        assert await status_of(client, second) == 200
        # The control: the token that was issued does end it.
        assert (await refreshed(client, first["refresh_token"])).json()["code"] == "refresh_reused"
        assert await status_of(client, second) == 401

    async def test_key_of_another_application(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A MAC with a key that isn't in the ring is none."""
        issued = RefreshToken.parse((await logged_in(client, ada))["refresh_token"])
        assert issued
        strange = RefreshTokens(KeyRing([secret_key(secrets.token_bytes(32))]))
        answer = await refreshed(client, strange.issue(issued.user_id, issued.session_id).text)
        assert answer.json()["code"] == "invalid_token"
        assert (await refreshed(client, issued.text)).status_code == 200


class TestOlderRelease:
    """A release without MACs issued 32 random bytes: such tokens go on working, and end their session when reused."""

    @pytest.fixture
    async def old(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> RefreshToken:
        """The current token of a session, issued by the older release."""
        issued = RefreshToken.parse((await logged_in(client, ada))["refresh_token"])
        assert issued
        old = a_token(issued.user_id, issued.session_id)
        stored = {"_id": old.user_id, "sessions.id": old.session_id}
        await app.state.parley.database.users.update_one(stored, {"$set": {"sessions.$.digest": old.digest}})
        return old

    async def test_works_once(self, client: httpx.AsyncClient, old: RefreshToken) -> None:
        """It is exchanged for a token with a MAC; its second use ends the session."""
        second = (await refreshed(client, old.text)).json()
        assert len(second["refresh_token"]) == len(old.text)
        assert (await refreshed(client, old.text)).json()["code"] == "refresh_reused"
        assert (await refreshed(client, second["refresh_token"])).json()["code"] == "invalid_token"

    async def test_forgotten(self, client: httpx.AsyncClient, old: RefreshToken) -> None:
        """Once another token is the spent one, nothing shows any more that it was issued, so it ends nothing."""
        second = (await refreshed(client, old.text)).json()
        third = (await refreshed(client, second["refresh_token"])).json()
        assert (await refreshed(client, old.text)).json()["code"] == "invalid_token"
        assert (await refreshed(client, third["refresh_token"])).status_code == 200


class TestReuse:
    async def test_ends_the_session(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A second use, right after the first answer, ends the session: old tokens, new tokens, access tokens."""
        first = await logged_in(client, ada)
        second = (await refreshed(client, first["refresh_token"])).json()
        answer = await refreshed(client, first["refresh_token"])
        assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert [await status_of(client, pair) for pair in (first, second)] == [401, 401]
        for pair in (first, second):
            assert (await refreshed(client, pair["refresh_token"])).json()["code"] == "invalid_token"
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_of_an_older_one(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Reuse of a token that was spent long ago ends the session too."""
        tokens = [(await logged_in(client, ada))["refresh_token"]]
        for _ in range(3):
            tokens.append((await refreshed(client, tokens[-1])).json()["refresh_token"])
        assert (await refreshed(client, tokens[0])).json()["code"] == "refresh_reused"
        assert (await refreshed(client, tokens[-1])).json()["code"] == "invalid_token"

    @pytest.mark.attack
    async def test_right_after_the_answer(self, ada: Account, workers: list[httpx.AsyncClient]) -> None:
        """A reuse after the answer is detected each time, however fast it comes, also on another worker."""
        one, two, _ = workers
        for _ in range(rounds(2, full=25)):
            first = await logged_in(one, ada)
            assert (await refreshed(one, first["refresh_token"])).status_code == 200
            assert (await refreshed(two, first["refresh_token"])).json()["code"] == "refresh_reused"


class TestRace:
    @pytest.mark.attack
    async def test_one_live_head(self, ada: Account, workers: list[httpx.AsyncClient]) -> None:
        """Of 20 refreshes at once on three workers one succeeds and 19 get 409, in each round."""
        pair = await logged_in(workers[0], ada)
        for _ in range(rounds(3, full=50)):
            sent = [refreshed(workers[number % 3], pair["refresh_token"]) for number in range(20)]
            answers = await asyncio.gather(*sent)
            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
            assert {a.json()["code"] for a in answers if a.status_code == 409} == {"refresh_in_progress"}
            [pair] = [answer.json() for answer in answers if answer.status_code == 200]
            assert {await status_of(worker, pair) for worker in workers} == {200}
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        assert (await workers[1].get("/v1/auth/sessions", headers=headers)).json()["total"] == 2

    async def test_thief_and_owner(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Twenty requests at once with a token that was spent before end the session."""
        first = await logged_in(client, ada)
        second = (await refreshed(client, first["refresh_token"])).json()
        answers = await asyncio.gather(*(refreshed(client, first["refresh_token"]) for _ in range(20)))
        codes = {answer.json()["code"] for answer in answers}
        assert "refresh_reused" in codes
        assert codes <= {"refresh_reused", "invalid_token"}
        assert (await refreshed(client, second["refresh_token"])).json()["code"] == "invalid_token"

    async def test_two_tabs(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Of two tabs that refresh at once one gets 409, and the session goes on with the other's tokens."""
        first = await logged_in(client, ada)
        answers = await asyncio.gather(*(refreshed(client, first["refresh_token"]) for _ in range(2)))
        [second] = [answer.json() for answer in answers if answer.status_code == 200]
        assert (await refreshed(client, second["refresh_token"])).status_code == 200

    @pytest.mark.parametrize(
        ("digest", "begun", "raced"),
        [("last", 199, True), ("last", 200, False), ("older", 0, False), ("current", 0, False)],
        ids=["inside", "at the end", "an older token", "not yet spent"],
    )
    def test_rule(self, digest: str, begun: int, raced: bool) -> None:  # noqa: FBT001 - a column of the table
        """Only a request that began before the answer, with the token that was exchanged last, has raced."""
        tokens = {name: a_token(new_id(), new_id()) for name in ("last", "older", "current")}
        state = Exchange(
            current=tokens["current"].digest,
            spent=tokens["last"].digest,
            spent_at=NOON,
            race=timedelta(milliseconds=200),
            repeatable=Repeatable(b"", None, None),
            token_version=0,
            now=NOON + timedelta(seconds=1),
        )
        assert state.raced(tokens[digest], NOON + timedelta(milliseconds=begun)) is raced
