"""Tokens that were verified once are not verified again, and nothing but their claims is remembered."""

from typing import Any

import pytest

from parley_auth.tokens import verified
from parley_auth.tokens.verified import VerifiedTokens


class Decoder:
    """Decodes what starts with `good`."""

    def __init__(self) -> None:
        self.decoded: list[str] = []

    def __call__(self, token: str) -> dict[str, Any]:
        self.decoded.append(token)
        if not token.startswith("good"):
            raise ValueError
        return {"sub": token}


def test_once() -> None:
    """A good token is decoded once; another one, be it longer by a character, is decoded for itself."""
    tokens = VerifiedTokens(decoder := Decoder())
    assert [tokens.claims(t)["sub"] for t in ("good", "good", "good=")] == ["good", "good", "good="]
    assert decoder.decoded == ["good", "good="]


def test_refused() -> None:
    """A refused token is refused anew each time."""
    tokens = VerifiedTokens(decoder := Decoder())
    for _ in range(2):
        with pytest.raises(ValueError):  # noqa: PT011 - the decoder's own
            tokens.claims("bad")
    assert (len(decoder.decoded), len(tokens)) == (2, 0)


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest token makes room for the newest."""
    monkeypatch.setattr(verified, "_MOST", 2)
    tokens = VerifiedTokens(decoder := Decoder())
    for token in ("good 1", "good 2", "good 3", "good 2", "good 1"):
        tokens.claims(token)
    assert len(tokens) == 2
    assert decoder.decoded == ["good 1", "good 2", "good 3", "good 1"]
