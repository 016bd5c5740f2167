"""Sealed secrets: only with their key, and only for their webhook."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_webhooks.transport.vault import SecretUnreadable, UnusableKey, Vault, new_key, parse_keys

OLD, NEW = parse_keys(f"{new_key()},{new_key()}")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class TestSealing:
    @given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
    def test_opens(self, secret: str, webhook_id: str) -> None:
        """What was sealed opens again for the same webhook."""
        vault = Vault([OLD])
        assert vault.opened(vault.sealed(secret, of=webhook_id), of=webhook_id) == secret

    def test_shows_nothing(self) -> None:
        """A sealed secret shows neither the secret nor the key, and never looks the same twice."""
        sealed = [Vault([OLD]).sealed(SECRET, of="1") for _ in range(20)]
        assert len(set(sealed)) == 20
        for text in (SECRET.encode(), base64.b64decode(SECRET.removeprefix("whsec_")), OLD):
            assert not any(text[at : at + 8] in one for one in sealed for at in range(len(text) - 8))

    def test_of_another_webhook(self) -> None:
        """A sealed secret that was copied to another webhook doesn't open."""
        sealed = Vault([OLD]).sealed(SECRET, of="1")
        with pytest.raises(SecretUnreadable, match="belongs to another webhook"):
            Vault([OLD]).opened(sealed, of="2")

    def test_rotation(self) -> None:
        """The first key seals, every key opens, and a key that is gone is named as the reason."""
        before = Vault([OLD]).sealed(SECRET, of="1")
        rotated = Vault([NEW, OLD])
        assert rotated.opened(before, of="1") == SECRET
        after = rotated.sealed(SECRET, of="1")
        assert Vault([NEW]).opened(after, of="1") == SECRET
        for keys, sealed in (([NEW], before), ([OLD], after)):
            with pytest.raises(SecretUnreadable, match="a key that is not in PARLEY_WEBHOOKS_KEY"):
                Vault(keys).opened(sealed, of="1")

    def test_damaged(self) -> None:
        """One changed or missing byte, wherever it is, is noticed."""
        vault = Vault([OLD])
        sealed = vault.sealed(SECRET, of="1")
        changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
        for one in (*changed, *(sealed[:at] for at in range(len(sealed))), sealed + b"x"):
            with pytest.raises(SecretUnreadable):
                vault.opened(one, of="1")


class TestKeys:
    @pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["plain", "for urls"])
    def test_forms(self, encode: object) -> None:
        """Both alphabets of base64 are read, with and without padding, with spaces around the comma."""
        assert callable(encode)
        keys = [b"\xfb\xff" + os.urandom(30), os.urandom(32)]
        texts = [encode(key).decode() for key in keys]
        assert parse_keys(" , ".join(texts) + "\n") == tuple(keys)
        assert parse_keys(",".join(text.rstrip("=") for text in texts)) == tuple(keys)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "not base64!",
            base64.b64encode(os.urandom(31)).decode(),
            base64.b64encode(os.urandom(33)).decode(),
            base64.b64encode(bytes(32)).decode(),
            new_key() + ",",
            "é" * 43,
            "QUJD" + "\ud800",
        ],
        ids=["empty", "other text", "short", "long", "zeros", "one missing", "not ASCII", "surrogate"],
    )
    def test_unusable(self, text: str) -> None:
        """A key of another form is refused with the way to make one, and never repeated."""
        with pytest.raises(UnusableKey, match="openssl rand -base64 32") as caught:
            parse_keys(text)
        assert not text or text not in str(caught.value)

    def test_none(self) -> None:
        """A vault without a key is refused."""
        with pytest.raises(UnusableKey, match="no key"):
            Vault([])
