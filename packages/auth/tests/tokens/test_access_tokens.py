"""Access tokens, over HTTP: which are accepted, and how each bad one is answered."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import hypothesis
import pytest
from counts import pairs, rounds
from fastapi import FastAPI
from forging import Forger, forged_tokens, respellings
from hypothesis import strategies as st

import parley_auth.plugin
from parley_auth.authorization.route_checks import guards_of
from parley_auth.signing.key_ring import KeyRing, new_jwk
from parley_auth.testing import Account, an_account, auth_settings, jwk_set
from parley_core import new_id
from parley_core.http.framework import routes_of
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client

ME = "/v1/users/me"
ALGORITHMS = ("HS256", "EdDSA")
MUTATIONS = rounds(100, full=5_000)  # of each algorithm's token
Change = Callable[[str], str]


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app)


def token_of(account: Account) -> str:
    return account.headers["Authorization"].removeprefix("Bearer ")


def forger_for(app: FastAPI, account: Account) -> Forger:
    return Forger(token_of(account), app.state.parley.require(KeyRing).signer)


def bearing(token: str) -> dict[bytes, bytes]:
    """Return the header as raw bytes, whatever the token contains."""
    return {b"Authorization": f"Bearer {token}".encode()}


def _replaced(place: float, length: int, text: str) -> Change:
    """Return a change that replaces `length` letters by a text; the place is a fraction of the token's length."""

    def change(token: str) -> str:
        start = int(place * len(token))
        return token[:start] + text + token[start + length :]

    return change


def _swapped(one: int, other: int) -> Change:
    """Return a change that exchanges two parts of the token."""

    def change(token: str) -> str:
        parts = token.split(".")
        one_, other_ = one % len(parts), other % len(parts)
        parts[one_], parts[other_] = parts[other_], parts[one_]
        return ".".join(parts)

    return change


_LETTERS = st.text("ABCabc019-_=.+/", max_size=4) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), max_size=4
)
CHANGES: st.SearchStrategy[Change] = st.builds(
    _replaced, st.floats(0, 1), st.integers(0, 40) | st.just(1), _LETTERS
) | st.builds(_swapped, st.integers(0, 2), st.integers(0, 2))


def protected_routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and address of every route that has a guard."""
    for route in routes_of(app):
        if guards_of(route):
            path = (route.path or "").replace("{user_id}", new_id()).replace("{session_id}", new_id())
            yield from ((method, path) for method in route.methods or ())


class TestGood:
    async def test_opens_its_account(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """The forger's unchanged token is accepted, so that each refusal below is due to its one change."""
        token = forger_for(app, ada).signed()
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = await client.get(ME, headers={"Authorization": f"{scheme} {token}"})
            assert (answer.status_code, answer.json()["id"]) == (200, ada.id)

    async def test_expires(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A token is valid for ten minutes, and afterwards answered with `token_expired`."""
        clock.move(timedelta(minutes=10, seconds=-1))
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        clock.move(timedelta(seconds=1))
        answer = await client.get(ME, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    async def test_says_nothing_but_who_and_how_long(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account
    ) -> None:
        """A token contains no role, no name and no e-mail, and has an id of its own."""
        forger = forger_for(app, ada)
        assert forger.claims.keys() == {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "tv"}
        assert forger.header.keys() == {"alg", "typ", "kid"}
        assert (forger.header["alg"], forger.header["typ"]) == ("HS256", "at+jwt")
        assert len(forger.claims["jti"]) >= 22
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_clock_of_another_worker(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A worker whose clock is up to 30 seconds behind accepts a token of one whose clock is ahead."""
        for seconds, status in ((-30, 200), (-1, 401)):
            clock.move(timedelta(seconds=seconds))
            assert (await client.get(ME, headers=ada.headers)).status_code == status


class TestMissing:
    async def test_challenge(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """Without a bearer token the challenge names no error (RFC 6750, 3.1)."""
        for value in (None, "", "Bearer", "Bearer ", "Basic YTpi", "nonsense"):
            with subtests.test(repr(value)):
                answer = await client.get(ME, headers={} if value is None else {"Authorization": value})
                assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")
                assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_before_all_else(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """A caller without a token learns nothing else, however broken the rest of the request is."""
        json_type = {"Content-Type": "application/json"}
        requests: list[dict[str, Any]] = [
            {"method": "POST", "url": "/v1/users", "content": b"{", "headers": json_type},
            {"method": "POST", "url": "/v1/users", "content": b"<x/>", "headers": {"Content-Type": "text/xml"}},
            {"method": "POST", "url": "/v1/users", "content": b"a" * 70_000, "headers": json_type},
            {"method": "POST", "url": "/v1/users", "content": b'{"email": "\\ud800"}', "headers": json_type},
            {"method": "PATCH", "url": "/v1/users/zzz", "json": {"role": "king"}},
            {"method": "GET", "url": "/v1/users?limit=many&surprise=1"},
            {"method": "GET", "url": "/v1/users/" + "0" * 24},
        ]
        for request in requests:
            with subtests.test(f"{request['method']} {request['url']}"):
                answer = await client.request(**request)
                assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")


class TestInvalid:
    async def test_each(self, app: FastAPI, client: httpx.AsyncClient, ada: Account, subtests: pytest.Subtests) -> None:
        """Whatever is wrong with a token, the answer is 401 `invalid_token` and says no more."""
        for name, token in forged_tokens(token_of(ada), app.state.parley.require(KeyRing).signer).items():
            with subtests.test(name):
                answer = await client.get(ME, headers=bearing(token))
                assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
                assert answer.json()["detail"] == "The access token is not valid"
                assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_no_look_into_long_ones(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """A well-signed token of more than 2,048 letters is refused before its expiry is checked."""
        forger = forger_for(app, ada)
        room = 2_048 - len(forger.signed({"exp": 0, "jti": ""}))
        tokens = [forger.signed({"exp": 0, "jti": "x" * size}) for size in range(room * 3 // 4 - 8, room * 3 // 4 + 8)]
        codes = {len(token): (await client.get(ME, headers=bearing(token))).json()["code"] for token in tokens}
        assert {length <= 2_048 for length in codes} == {True, False}
        assert all((code == "token_expired") == (length <= 2_048) for length, code in codes.items())

    async def test_expired_before_long(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """A token that expired before it was issued is expired, not a server error."""
        for end in (0, -1, -(10**30)):
            answer = await client.get(ME, headers=bearing(forger_for(app, ada).signed({"exp": end})))
            assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")

    async def test_respellings_of_a_revoked_one(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A logout ends a token under each of its spellings; only the issued one was ever accepted."""
        spellings = respellings(token_of(ada)).values()
        before = {(await client.get(ME, headers=bearing(text))).status_code for text in spellings}
        await client.post("/v1/auth/logout", headers=ada.headers)
        after = {(await client.get(ME, headers=bearing(text))).status_code for text in [token_of(ada), *spellings]}
        assert (before, after) == ({401}, {401})


@pytest.fixture(params=ALGORITHMS)
async def either(
    request: pytest.FixtureRequest, core_settings: CoreSettings
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """An application that signs with this algorithm and still accepts a key of the other one."""
    other = next(algorithm for algorithm in ALGORITHMS if algorithm != request.param)
    settings = auth_settings(jwt_secret=None, jwt_keys=jwk_set(new_jwk(request.param), new_jwk(other)))
    app = an_application([core_settings, settings], [parley_auth.plugin])
    async with running_client(app) as client:
        app.state.protected_routes = list(protected_routes(app))
        yield app, client


@pytest.fixture
async def good(either: tuple[FastAPI, httpx.AsyncClient]) -> str:
    """The valid token of an administrator."""
    return token_of(await an_account(either[0], "admin"))


@pytest.mark.attack
class TestEveryRoute:
    """Forged tokens on every route with a guard; the routes are found by machine, so that none is forgotten."""

    async def test_crafted(self, either: tuple[FastAPI, httpx.AsyncClient], subtests: pytest.Subtests) -> None:
        """No forged token is accepted by any route or causes a server error, whichever algorithm signs."""
        app, client = either
        admin = await an_account(app, "admin")
        routes = app.state.protected_routes
        forged = forged_tokens(token_of(admin), app.state.parley.require(KeyRing).signer)
        assert (len(routes) >= 11, len(forged) >= 60) == (True, True)
        for (name, token), route in pairs(list(forged.items()), routes):
            with subtests.test(f"{name}: {' '.join(route)}"):
                answer = await client.request(*route, headers=bearing(token))
                assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert (await client.get(ME, headers=admin.headers)).status_code == 200

    @hypothesis.settings(
        deadline=None,
        max_examples=MUTATIONS,
        database=None,
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )
    @hypothesis.given(changes=st.lists(CHANGES, min_size=1, max_size=3), number=st.integers(0, 999))
    async def test_mutated(
        self, either: tuple[FastAPI, httpx.AsyncClient], good: str, changes: list[Change], number: int
    ) -> None:
        """No mutation of a valid token is accepted, and none causes a server error."""
        app, client = either
        token = functools.reduce(lambda text, change: change(text), changes, good)
        hypothesis.assume(token.strip() != good)  # space around it belongs to the header
        routes = app.state.protected_routes
        answer = await client.request(*routes[number % len(routes)], headers=bearing(token))
        assert answer.status_code == 401

    async def test_fires(self, either: tuple[FastAPI, httpx.AsyncClient]) -> None:
        """The same routes accept the valid token, so that the refusals are due to the tokens."""
        app, client = either
        admin = await an_account(app, "admin")
        ways = [route for route in app.state.protected_routes if route[0] == "GET"]
        answers = [await client.request(*route, headers=admin.headers) for route in ways]
        assert 401 not in {answer.status_code for answer in answers}
        assert len(answers) >= 4
