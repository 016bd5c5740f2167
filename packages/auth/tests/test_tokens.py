"""Access tokens, as HTTP meets them: what gets in, and what each bad one is answered."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI

from parley_auth.settings import AuthSettings
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import new_id
from parley_core.testing import MovableClock

ME = "/v1/users/me"


def _secret(settings: AuthSettings) -> str:
    assert settings.jwt_secret
    return settings.jwt_secret.get_secret_value()


SECRET = _secret(auth_settings())


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app)


class Forger:
    """Makes tokens for an account, each wrong in one thing alone, with the right secret where nothing else is said."""

    def __init__(self, account: Account, clock: MovableClock) -> None:
        now = int(clock().timestamp())
        self.claims: dict[str, Any] = {
            "iss": "parley",
            "aud": "parley",
            "sub": account.id,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": "x1",
            "tv": 0,
        }
        self.now = now

    def signed(
        self, *, key: str = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        headers = {"typ": "at+jwt"} | (headers or {})
        return jwt.encode(self.claims | changes, key, algorithm=algorithm, headers=headers)

    def without(self, claim: str) -> str:
        left = {name: value for name, value in self.claims.items() if name != claim}
        return jwt.encode(left, SECRET, algorithm="HS256", headers={"typ": "at+jwt"})

    def unsigned(self, algorithm: str) -> str:
        return f"{_encoded({'typ': 'at+jwt', 'alg': algorithm})}.{_encoded(self.claims)}."

    def with_signature_of(self, other: str, **changes: Any) -> str:
        head, _, signature = other.split(".")
        return f"{head}.{_encoded(self.claims | changes)}.{signature}"

    def with_raw_claims(self, text: bytes) -> str:
        return jwt.api_jws.encode(text, SECRET, algorithm="HS256", headers={"typ": "at+jwt"})


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


INVALID: dict[str, Callable[[Forger], str]] = {
    "no JWT": lambda _: "nonsense",
    "two parts": lambda f: f.signed().rpartition(".")[0],
    "four parts": lambda f: f.signed() + ".x",
    "empty parts": lambda _: "..",
    "not base64": lambda _: "é.é.é",
    "header no JSON": lambda f: "e30x." + f.signed().partition(".")[2],
    "header deeply nested": lambda f: "W1tb" * 400 + "." + f.signed().partition(".")[2],
    "header a list": lambda f: _encoded(["at+jwt"]) + "." + f.signed().partition(".")[2],
    "signature cut": lambda f: f.signed()[:-6],
    "signature gone": lambda f: f.signed().rpartition(".")[0] + ".",
    "forged claims": lambda f: f.with_signature_of(f.signed(), sub=new_id()),
    "another secret": lambda f: f.signed(key="another-key-of-thirty-two-letters"),
    "alg none": lambda f: f.unsigned("none"),
    "alg nOnE": lambda f: f.unsigned("nOnE"),
    "alg HS512": lambda f: f.signed(algorithm="HS512", key=SECRET * 2),
    "alg RS256 in name": lambda f: f"{_encoded({'typ': 'at+jwt', 'alg': 'RS256'})}.{f.signed().split('.', 1)[1]}",
    "crit": lambda f: f.signed(headers={"crit": ["exp"]}),
    "typ JWT": lambda f: f.signed(headers={"typ": "JWT"}),
    "typ missing": lambda f: f.signed(headers={"typ": None}),
    "typ a number": lambda f: f.signed(headers={"typ": 7}),
    "iss other": lambda f: f.signed(iss="other"),
    "aud other": lambda f: f.signed(aud="other"),
    "sub nobody": lambda f: f.signed(sub=new_id()),
    "sub no id": lambda f: f.signed(sub="admin"),
    "sub NUL": lambda f: f.signed(sub="a\x00b"),
    "sub no Unicode": lambda f: f.signed(sub="\ud800"),
    "sub operator": lambda f: f.with_raw_claims(json.dumps(f.claims | {"sub": {"$gt": ""}}).encode()),
    "tv past": lambda f: f.signed(tv=-1),
    "tv future": lambda f: f.signed(tv=1),
    "tv text": lambda f: f.signed(tv="0"),
    "tv false": lambda f: f.signed(tv=False),
    "tv 0.0": lambda f: f.signed(tv=0.0),
    "tv huge": lambda f: f.signed(tv=2**70),
    "iat text": lambda f: f.signed(iat=str(f.now)),
    "iat future": lambda f: f.signed(iat=f.now + 86_400, exp=f.now + 86_400),
    "nbf future": lambda f: f.signed(nbf=f.now + 60),
    "nbf fraction": lambda f: f.signed(nbf=f.now + 0.5),
    "exp text": lambda f: f.signed(exp=str(f.now + 600)),
    "exp fraction": lambda f: f.signed(exp=f.now + 600.5),
    "exp beyond the lifetime": lambda f: f.signed(exp=f.now + 601),
    "exp in ten years": lambda f: f.signed(exp=f.now + 315_360_000),
    "exp absurd": lambda f: f.signed(exp=10**30),
    "exp of 1,200 digits": lambda f: f.with_raw_claims(
        json.dumps(f.claims).replace(str(f.now + 600), "9" * 1_200, 1).encode()
    ),
    "exp Infinity": lambda f: f.signed(exp=float("inf")),
    "exp NaN": lambda f: f.signed(exp=float("nan")),
    "claims a list": lambda f: f.with_raw_claims(b"[1]"),
    "claims no JSON": lambda f: f.with_raw_claims(b"{"),
    "claims no UTF-8": lambda f: f.with_raw_claims(b"\xff"),
    "claims deeply nested": lambda f: f.with_raw_claims(b"[" * 1_300),
    "over 2 KB": lambda f: f.signed(pad="x" * 2_048),
    "1 MB": lambda f: f.signed(pad="x" * 1_000_000),
    **{f"without {claim}": lambda f, c=claim: f.without(c) for claim in ("iss", "aud", "sub", "iat", "nbf", "exp")},  # type: ignore[misc]
    **{f"without {claim}": lambda f, c=claim: f.without(c) for claim in ("jti", "tv")},  # type: ignore[misc]
}


class TestGood:
    async def test_opens_its_account(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """The forger's unchanged token gets in, so that each refusal below is due to its one change."""
        token = Forger(ada, clock).signed()
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = await client.get(ME, headers={"Authorization": f"{scheme} {token}"})
            assert (answer.status_code, answer.json()["id"]) == (200, ada.id)

    async def test_expires(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A token is good for ten minutes, and says afterwards that its time is over."""
        clock.move(timedelta(minutes=10, seconds=-1))
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        clock.move(timedelta(seconds=1))
        answer = await client.get(ME, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    async def test_says_nothing_but_who_and_how_long(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A token holds no role, no name and no e-mail, and each one has an id of its own."""
        token = ada.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims.keys() == {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "tv"}
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt"}
        assert len(claims["jti"]) >= 22
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_clock_of_another_worker(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A worker whose clock is some seconds behind takes the token of one whose clock is ahead."""
        clock.move(timedelta(seconds=-4))
        assert (await client.get(ME, headers=ada.headers)).status_code == 200


class TestMissing:
    async def test_challenge(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """Without a bearer token the challenge names no error (RFC 6750, 3.1)."""
        for value in (None, "", "Bearer", "Bearer ", "Basic YTpi", "nonsense"):
            with subtests.test(repr(value)):
                answer = await client.get(ME, headers={} if value is None else {"Authorization": value})
                assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")
                assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_before_all_else(self, client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """Who sends no token learns nothing, however broken the rest of the request is."""
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
    async def test_each(
        self, client: httpx.AsyncClient, ada: Account, clock: MovableClock, subtests: pytest.Subtests
    ) -> None:
        """Whatever is wrong with a token, the answer is 401 `invalid_token` and says no more."""
        forger = Forger(ada, clock)
        for name, forge in INVALID.items():
            with subtests.test(name):
                header = f"Bearer {forge(forger)}".encode()
                answer = await client.get(ME, headers={b"Authorization": header})
                assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
                assert answer.json()["detail"] == "The access token is not valid"
                assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    async def test_no_look_into_long_ones(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A well signed token of 2,048 letters is read, one of 2,049 isn't."""
        forger = Forger(ada, clock)
        room = 2_048 - len(forger.signed(pad=""))
        tokens = [forger.signed(pad="x" * size) for size in range(room * 3 // 4 - 8, room * 3 // 4 + 8)]
        answers = {len(t): (await client.get(ME, headers={"Authorization": f"Bearer {t}"})).status_code for t in tokens}
        assert {length <= 2_048 for length in answers} == {True, False}
        assert all((status == 200) == (length <= 2_048) for length, status in answers.items())

    async def test_expired_before_long(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A token whose time was over before it began is expired, not an error of the server."""
        for end in (0, -1, -(10**30)):
            token = Forger(ada, clock).signed(exp=end)
            answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
