"""A token that was verified once isn't verified again, and only its claims are remembered."""

import secrets
from datetime import timedelta
from typing import Any

import jwt
import pytest

from parley_auth.errors import InvalidToken
from parley_auth.signing.key_ring import KeyRing, secret_key
from parley_auth.tokens import access_tokens
from parley_auth.tokens.access_tokens import AccessTokens
from parley_core import new_id
from parley_core.testing import MovableClock


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature PyJWT has verified."""
    seen, decode = [], jwt.decode

    def watched(token: str, *arguments: Any, **options: Any) -> Any:
        seen.append(token)
        return decode(token, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", watched)
    return seen


def some_tokens() -> AccessTokens:
    keys = KeyRing([secret_key(secrets.token_bytes(32))])
    return AccessTokens(keys, lifetime=timedelta(minutes=10), clock=MovableClock())


def a_token(tokens: AccessTokens) -> str:
    return tokens.issue(new_id(), session_id=new_id(), token_version=0).text


def test_once(decoded: list[str]) -> None:
    """A valid token is verified once; another one, even if longer by one character, is verified for itself."""
    tokens = some_tokens()
    token = a_token(tokens)
    assert tokens.verify(token) == tokens.verify(token)
    with pytest.raises(InvalidToken):
        tokens.verify(f"{token}=")
    assert decoded == [token, f"{token}="]


def test_refused(decoded: list[str]) -> None:
    """A refused token is refused again each time."""
    tokens, bad = some_tokens(), a_token(some_tokens())
    good = a_token(tokens)
    bad = f"{good.rpartition('.')[0]}.{bad.rpartition('.')[2]}"
    for _ in range(2):
        with pytest.raises(InvalidToken):
            tokens.verify(bad)
    assert decoded == [bad, bad]


def test_bounded(monkeypatch: pytest.MonkeyPatch, decoded: list[str]) -> None:
    """The oldest token makes room for the newest, however often it is used."""
    monkeypatch.setattr(access_tokens, "_MAX_REMEMBERED", 2)
    tokens = some_tokens()
    one, two, three = (a_token(tokens) for _ in range(3))
    for token in (one, two, one, three, two, one):
        tokens.verify(token)
    assert decoded == [one, two, three, one]


def test_no_token_is_remembered() -> None:
    """The memory of verified tokens has their SHA-256 and their claims, not the tokens."""
    tokens = some_tokens()
    token = a_token(tokens)
    tokens.verify(token)
    assert token not in str(vars(tokens))
    assert token.rpartition(".")[2] not in str(vars(tokens))
