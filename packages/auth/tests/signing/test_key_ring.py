"""Keys: several at once, of which the first signs; which ones are refused; what is published of them."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.signing.key_ring import UnusableKey, new_jwk, parse_keys
from parley_auth.testing import Account, an_account, auth_settings, jwk_set
from parley_core import Parley, StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client

ME, KEYS = "/v1/users/me", "/.well-known/jwks.json"
OLD, NEW, SHARED = new_jwk("EdDSA"), new_jwk("EdDSA"), new_jwk("HS256")
PUBLIC = {name: value for name, value in OLD.items() if name != "d"}
SECRET_PARTS = [OLD["d"], NEW["d"], SHARED["k"]]


def a_worker(core: CoreSettings, *keys: dict[str, str], **changes: Any) -> FastAPI:
    settings = auth_settings(**{"jwt_secret": None, "jwt_keys": jwk_set(*keys)} | changes)
    return an_application([core, settings], [parley_auth.plugin])


class Fleet:
    """Applications on one database, each with its own keys."""

    def __init__(self, apps: Sequence[FastAPI], clients: Sequence[httpx.AsyncClient]) -> None:
        self.apps = apps
        self.clients = clients

    async def statuses(self, account: Account) -> list[int]:
        """Return each application's status for an account's token."""
        return [(await client.get(ME, headers=account.headers)).status_code for client in self.clients]


async def a_fleet(stack: AsyncExitStack, *apps: FastAPI) -> Fleet:
    return Fleet(apps, [await stack.enter_async_context(running_client(app)) for app in apps])


def kid_of(account: Account) -> str:
    header = jwt.get_unverified_header(account.headers["Authorization"].removeprefix("Bearer "))
    return str(header["kid"])


class TestRotation:
    async def test_step_by_step(self, core_settings: CoreSettings) -> None:
        """The new key signs, the old one still verifies, and after its removal its tokens are refused."""
        async with AsyncExitStack() as stack:
            before, during, after = (a_worker(core_settings, *keys) for keys in ([OLD], [NEW, OLD], [NEW]))
            fleet = await a_fleet(stack, before, during, after)
            old, new = await an_account(before), await an_account(during)
            assert (kid_of(old), kid_of(new)) == (OLD["kid"], NEW["kid"])
            assert await fleet.statuses(old) == [200, 200, 401]
            assert await fleet.statuses(new) == [401, 200, 200]

    async def test_from_a_secret_to_a_public_key(self, core_settings: CoreSettings) -> None:
        """A deployment with PARLEY_JWT_SECRET puts an EdDSA key first and still accepts the secret's tokens."""
        async with AsyncExitStack() as stack:
            before = an_application([core_settings, auth_settings()], [parley_auth.plugin])
            during = a_worker(core_settings, NEW, jwt_secret=auth_settings().jwt_secret)
            fleet = await a_fleet(stack, before, during)
            assert await fleet.statuses(await an_account(before)) == [200, 200]
            assert await fleet.statuses(await an_account(during)) == [401, 200]

    async def test_both_algorithms(self, core_settings: CoreSettings) -> None:
        """Keys of both kinds work side by side in either order."""
        async with AsyncExitStack() as stack:
            fleet = await a_fleet(stack, a_worker(core_settings, OLD, SHARED), a_worker(core_settings, SHARED, OLD))
            for app in fleet.apps:
                assert await fleet.statuses(await an_account(app)) == [200, 200]

    async def test_public_key_verifies(self, core_settings: CoreSettings) -> None:
        """A worker that has only the public part of a key accepts its tokens."""
        async with AsyncExitStack() as stack:
            signing, verifying = a_worker(core_settings, OLD), a_worker(core_settings, NEW, PUBLIC)
            fleet = await a_fleet(stack, signing, verifying)
            assert await fleet.statuses(await an_account(signing)) == [200, 200]


class TestPublished:
    async def test_public_parts_alone(self, core_settings: CoreSettings) -> None:
        """Anyone can read the public parts, which verify the tokens; no private part and no secret is among them."""
        app = a_worker(core_settings, NEW, SHARED, OLD)
        async with running_client(app) as client:
            answer = await client.get(KEYS)
            token = (await an_account(app)).headers["Authorization"].removeprefix("Bearer ")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=300")
        assert answer.json() == {
            "keys": [
                {"kid": key["kid"], "use": "sig", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": key["x"]}
                for key in (NEW, OLD)
            ]
        }
        assert not any(part in answer.text for part in SECRET_PARTS)
        key = jwt.PyJWKSet.from_json(answer.text)[NEW["kid"]]
        claims = jwt.decode(
            token,
            key,
            ["EdDSA"],
            audience="parley",
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        assert claims["iss"] == "parley"

    async def test_shared_secret_has_none(self, client: httpx.AsyncClient) -> None:
        """With a shared secret there is no key to publish."""
        assert (await client.get(KEYS)).json() == {"keys": []}


MATERIAL = SHARED["k"]
REFUSED: dict[str, Any] = {
    "no JSON": MATERIAL,
    "no set": json.dumps(SHARED),
    "a list": json.dumps([SHARED]),
    "keys a text": json.dumps({"keys": MATERIAL}),
    "no key": {"keys": []},
    "nested": "[" * 100_000,
    "key a text": {"keys": [MATERIAL]},
    "no kid": {"keys": [{"kty": "oct", "k": MATERIAL}]},
    "kid a number": {"keys": [SHARED | {"kid": 7}]},
    "kid long": {"keys": [SHARED | {"kid": "k" * 65}]},
    "kid the secret": {"keys": [SHARED | {"kid": f"{MATERIAL} {MATERIAL}"}]},
    "same kid": {"keys": [SHARED, OLD | {"kid": SHARED["kid"]}]},
    "public first": {"keys": [PUBLIC, SHARED]},
    "kty a list": {"keys": [SHARED | {"kty": ["oct"]}]},
    "kty RSA": {"keys": [SHARED | {"kty": "RSA", "n": MATERIAL}]},
    "crv X25519": {"keys": [OLD | {"crv": "X25519"}]},
    "crv Ed448": {"keys": [OLD | {"crv": "Ed448"}]},
    "k missing": {"keys": [{"kty": "oct", "kid": "a"}]},
    "k a number": {"keys": [SHARED | {"k": 7}]},
    "x missing": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "d": OLD["d"]}]},
    "d short": {"keys": [OLD | {"d": "AAAA"}]},
    "x of another": {"keys": [OLD | {"x": NEW["x"]}]},
    "d a list": {"keys": [OLD | {"d": [OLD["d"]]}]},
    "for encryption": {"keys": [OLD | {"use": "enc"}]},
    "for HS512": {"keys": [SHARED | {"alg": "HS512"}]},
    "31 bytes": {"keys": [SHARED | {"k": "c2hvcnQ" + MATERIAL[:34]}]},
    "zeros": {"keys": [SHARED | {"k": "A" * 43}]},
    "zero seed": {"keys": [OLD | {"d": "A" * 43}]},
    "placeholder": {"keys": [SHARED | {"k": "bXktc2VjcmV0LWtleS13aGljaC1pcy1sb25nLWVub3VnaC1mb3ItaXQ"}]},
    "RFC 7515's": {
        "keys": [
            SHARED | {"k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
        ]
    },
    "RFC 8037's": {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "kid": "a",
                "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }
        ]
    },
}


class TestRefused:
    @pytest.mark.parametrize("keys", REFUSED.values(), ids=REFUSED)
    def test_at_start(self, monkeypatch: pytest.MonkeyPatch, keys: Any) -> None:
        """An unusable key stops the start with one line, which names the setting and shows nothing of any key."""
        monkeypatch.setenv("PARLEY_JWT_KEYS", keys if isinstance(keys, str) else json.dumps(keys))
        with pytest.raises(StartupError, match=r"^settings: PARLEY_JWT_KEYS: ") as caught:
            Parley(plugins=[parley_auth.plugin])
        message = str(caught.value)
        assert "\n" not in message
        assert not any(part[:12] in message for part in [*SECRET_PARTS, "nWGxne_9WmC6", "AyM1SysPpbyD"])

    def test_good_ones_are_not(self) -> None:
        """The same keys are accepted unchanged, so that each refusal is due to its one change."""
        assert [key.algorithm for key in parse_keys(json.dumps({"keys": [SHARED, OLD, PUBLIC | {"kid": "p"}]}))] == [
            "HS256",
            "EdDSA",
            "EdDSA",
        ]

    def test_names_the_key(self) -> None:
        """The message names the key by its id."""
        with pytest.raises(UnusableKey, match=f"^key '{SHARED['kid']}' is weak"):
            parse_keys(json.dumps({"keys": [OLD, SHARED | {"k": "AAAA"}]}))
