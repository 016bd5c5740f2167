"""The token endpoint of OAuth2, over HTTP: its grants, and errors that have RFC 6749's members besides."""

import itertools
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import PASSWORD, Account, an_account, open_session
from parley_core.testing import EndlessBody, impatient

TOKEN, ME = "/v1/auth/token", "/v1/users/me"
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
KEY = {"Idempotency-Key": "5f2b7f0c-7c1e-4a49-9a0e-0f5b6c1f6a11"}
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "category", "request_id"}


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, email="ada@example.com", password=PASSWORD)


def a_login(**changes: str) -> dict[str, str]:
    return {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD} | changes


def a_refresh(token: str, **changes: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token} | changes


SENT_BY_CLIENTS: list[dict[str, str]] = [
    {"client_id": "cli"},
    {"client_id": "cli", "client_secret": "x"},
    {"scope": ""},
    {"scope": "openid interviews:read"},
    {"resource": "https://api.example", "audience": "parley"},
]
AUTHORIZATIONS: list[dict[str, str]] = [{}, {"Authorization": "Basic Y2xpOg=="}, {"Authorization": "Basic Og=="}]
REFUSED_FORMS: list[tuple[dict[str, str], tuple[int, str, str]]] = [
    ({}, (400, "validation_error", "invalid_request")),
    ({"username": "ada@example.com", "password": PASSWORD}, (400, "validation_error", "invalid_request")),
    (a_login(grant_type=""), (400, "validation_error", "invalid_request")),
    (a_login(grant_type="authorization_code"), (400, "validation_error", "unsupported_grant_type")),
    (a_login(grant_type="Password"), (400, "validation_error", "unsupported_grant_type")),
    (a_login(grant_type='urn:x:\u00e9"\\'), (400, "validation_error", "unsupported_grant_type")),
    ({"grant_type": "client_credentials"}, (400, "validation_error", "unsupported_grant_type")),
    ({"grant_type": "password"}, (400, "validation_error", "invalid_request")),
    ({"grant_type": "refresh_token"}, (400, "validation_error", "invalid_request")),
    (a_refresh(""), (400, "validation_error", "invalid_request")),
    (a_login(scope="a  b"), (400, "validation_error", "invalid_scope")),
    (a_login(scope='"'), (400, "validation_error", "invalid_scope")),
    (a_login(scope="a\n"), (400, "validation_error", "invalid_scope")),
    (a_login(password="wrong"), (401, "invalid_credentials", "invalid_grant")),
    (a_login(username="nobody"), (401, "invalid_credentials", "invalid_grant")),
    (a_refresh("nonsense"), (401, "invalid_token", "invalid_grant")),
    (a_login(password="x" * 5000), (413, "payload_too_large", "invalid_request")),
]


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and OAuth2 error of a problem that has all its members."""
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem.keys() - {"errors"} == MEMBERS | {"error", "error_description"}
    assert set(problem["error_description"]) <= {chr(n) for n in range(0x20, 0x7F)} - set('"\\')
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, problem["code"], problem["error"]


class TestRefresh:
    async def test_new_tokens(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A refresh token is exchanged for a pair as the JSON route answers it, never to be stored, and is spent."""
        answer = await client.post(TOKEN, data=a_refresh(ada.refresh_token))
        pair = answer.json()
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert pair.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        me = await client.get(ME, headers={"Authorization": f"Bearer {pair['access_token']}"})
        assert me.json()["id"] == ada.id
        again = await client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
        assert again.status_code == 200
        reused = await client.post(TOKEN, data=a_refresh(ada.refresh_token))
        assert error_of(reused) == (401, "refresh_reused", "invalid_grant")

    async def test_repeat(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A repeat with the `Idempotency-Key` of the first request gets the same refresh token, on either route."""
        form = a_refresh(ada.refresh_token)
        answers = [await client.post(TOKEN, data=form, headers=KEY) for _ in range(2)]
        json = {"refresh_token": ada.refresh_token}
        answers.append(await client.post("/v1/auth/refresh", json=json, headers=KEY))
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1

    async def test_what_clients_send(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """Who the client is, which scope it wants and what else it sends make no difference."""
        for more, basic in zip(SENT_BY_CLIENTS, itertools.cycle(AUTHORIZATIONS), strict=False):
            token = await open_session(app.state.parley, ada.user)
            for form in (a_refresh(token.text, **more), a_login(**more)):
                assert (await client.post(TOKEN, data=form, headers=basic)).status_code == 200


class TestErrors:
    @pytest.mark.usefixtures("ada")
    async def test_of_forms(self, client: httpx.AsyncClient) -> None:
        """Each error of a form names itself for OAuth2 libraries too; the statuses are those of the JSON routes."""
        for form, expected in REFUSED_FORMS:
            assert error_of(await client.post(TOKEN, data=form)) == expected, form

    @pytest.mark.parametrize("name", ["grant_type", "username", "password", "scope", "client_id"])
    @pytest.mark.usefixtures("ada")
    async def test_given_twice(self, client: httpx.AsyncClient, name: str) -> None:
        """A parameter that is given twice is refused, however its name is spelt and even if it has no meaning."""
        form = urlencode(a_login(scope="a", client_id="b"))
        assert (await client.post(TOKEN, content=form, headers=FORM_TYPE)).status_code == 200
        for spelt in (name, f"%{ord(name[0]):02x}{name[1:]}"):
            answer = await client.post(TOKEN, content=f"{form}&{spelt}=a", headers=FORM_TYPE)
            assert error_of(answer) == (400, "validation_error", "invalid_request")
            assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"#/{name}", "duplicate_key")]

    @pytest.mark.usefixtures("ada")
    async def test_of_requests(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """So do those of another media type, method, query or header, and of a body that doesn't arrive."""
        refused = 400, "validation_error", "invalid_request"
        assert error_of(await client.post(TOKEN, json=a_login())) == refused
        assert error_of(await client.post(TOKEN, content=b"grant_type=password")) == refused
        assert error_of(await client.post(TOKEN, data=a_login(), params={"x": 1})) == refused
        assert error_of(await client.post(TOKEN, data=a_login(), headers={"Idempotency-Key": "a b"})) == refused
        assert error_of(await client.post(TOKEN, content=b"f=&" * 1200, headers=FORM_TYPE)) == refused
        assert error_of(await client.get(TOKEN)) == (405, "method_not_allowed", "invalid_request")
        with impatient(app):
            late = await client.post(TOKEN, content=EndlessBody(), headers=FORM_TYPE)
        assert error_of(late) == (408, "request_timeout", "invalid_request")

    @pytest.mark.usefixtures("ada")
    async def test_too_often(self, client: httpx.AsyncClient) -> None:
        """Whoever has to wait learns it from `error` too, and for how long as ever."""
        answers = [await client.post(TOKEN, data=a_login(password="wrong")) for _ in range(7)]
        assert error_of(answers[-1]) == (429, "rate_limited", "temporarily_unavailable")
        assert int(answers[-1].headers["Retry-After"]) > 0

    @pytest.mark.parametrize("path", ["/v1/auth/login", "/v1/auth/refresh"])
    async def test_nowhere_else(self, client: httpx.AsyncClient, path: str) -> None:
        """The control: other routes answer plain problems."""
        answer = await client.post(path, json={})
        assert answer.json().keys() == MEMBERS | {"errors"}

    def test_documented(self, document: dict[str, Any]) -> None:
        """OpenAPI has the grants, what each needs, and the members that the problems have besides."""
        operation = document["paths"][TOKEN]["post"]
        schemas = document["components"]["schemas"]
        form = schemas["TokenForm"]
        assert form["properties"]["grant_type"]["enum"] == ["password", "refresh_token"]
        assert form["required"] == ["grant_type"]
        needed = [(grant["required"], grant["properties"]) for grant in (form["then"], form["else"])]
        assert needed == [
            (["refresh_token"], {"refresh_token": {"minLength": 1}}),
            (["username", "password"], {"username": {"minLength": 1}, "password": {"minLength": 1}}),
        ]
        answers = operation["responses"].items()
        refused = {status: answer for status, answer in answers if status >= "400" and "content" in answer}
        assert refused.keys() == {"400", "401", "408", "409", "413", "429", "503"}
        for answer in refused.values():
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/TokenProblem"}
            assert all(example["value"]["error"] for example in content["examples"].values())
        problem = schemas["TokenProblem"]
        assert set(problem["required"]) == MEMBERS | {"error"}
        assert problem["properties"].keys() == MEMBERS | {"errors", "error", "error_description", "trace_id"}
