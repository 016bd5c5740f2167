"""The MAC of refresh tokens: which keys make it, and which recognise it."""

import secrets

import pytest

from parley_auth.signing.key_ring import Key, KeyRing, key_of, new_jwk, secret_key
from parley_auth.tokens.refresh_tokens import RefreshToken, RefreshTokens
from parley_core import new_id


def a_public_key() -> Key:
    jwk = new_jwk("EdDSA")
    return key_of({name: value for name, value in jwk.items() if name != "d"})


def a_key(kind: str) -> Key:
    return secret_key(secrets.token_bytes(32)) if kind == "secret" else key_of(new_jwk(kind))


@pytest.mark.parametrize("kind", ["secret", "HS256", "EdDSA"])
def test_each_kind_of_key(kind: str) -> None:
    """Secrets and private keys of either algorithm make MACs, which another application with the key recognises."""
    key, other = a_key(kind), a_key(kind)
    issued = RefreshTokens(KeyRing([key])).issue(new_id(), new_id())
    assert RefreshToken.parse(issued.text) == issued
    assert RefreshTokens(KeyRing([key])).recognise(issued)
    assert not RefreshTokens(KeyRing([other])).recognise(issued)


def test_rotation() -> None:
    """The first key makes the MAC, every key recognises it, and a key that was removed doesn't."""
    old, new = a_key("secret"), a_key("EdDSA")
    issued = RefreshTokens(KeyRing([old, new])).issue(new_id(), new_id())
    assert RefreshTokens(KeyRing([new, old])).recognise(issued)
    assert not RefreshTokens(KeyRing([new])).recognise(issued)


def test_public_keys_are_left_out() -> None:
    """A public key of the ring recognises nothing, since everybody has it."""
    key = a_key("EdDSA")
    tokens = RefreshTokens(KeyRing([key, a_public_key()]))
    assert tokens.recognise(tokens.issue(new_id(), new_id()))


def test_belongs_to_its_ids() -> None:
    """The MAC covers account, session and random bytes."""
    tokens = RefreshTokens(KeyRing([a_key("secret")]))
    issued = tokens.issue(new_id(), new_id())
    assert not tokens.recognise(RefreshToken(new_id(), issued.session_id, issued.secret))
    assert not tokens.recognise(RefreshToken(issued.user_id, new_id(), issued.secret))
    assert not tokens.recognise(RefreshToken(issued.user_id, issued.session_id, bytes(16) + issued.secret[16:]))


def test_key_is_another_than_the_signing_one() -> None:
    """What MACs tokens doesn't sign them: the derived key differs from the secret and from other purposes."""
    secret = secrets.token_bytes(32)
    key = secret_key(secret)
    assert len({secret, key.derived(b"one"), key.derived(b"two")}) == 3
