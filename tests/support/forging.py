"""Access tokens that no application may accept, for the tests of every package; each is wrong in one way only."""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from parley_auth.signing.key_ring import Key
from parley_core import new_id

_SAME: Mapping[str, object] = {}
_EVIL = "https://evil.example/keys"


class Forger:
    """Makes tokens out of a valid one, signed with the right key unless the method says otherwise.

    Args:
        token: a valid access token.
        key: the key that signed it.
    """

    def __init__(self, token: str, key: Key) -> None:
        self.token = token
        self.head, self.body, self.signature = token.split(".")
        self.header: dict[str, Any] = jwt.get_unverified_header(token)
        self.claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        self._key = key

    def signed(self, claims: Mapping[str, object] = _SAME, *, header: Mapping[str, object] = _SAME) -> str:
        """Return a token with other header parameters or claims; None leaves one out."""
        return self.of_parts(_without_none({**self.header, **header}), _without_none({**self.claims, **claims}))

    def of_parts(self, header: object, claims: object) -> str:
        """Return a token with any header and claims, objects or raw bytes, signed with the right key."""
        text = f"{encoded(header)}.{encoded(claims)}"
        signature = jwt.get_algorithm_by_name(self._key.algorithm).sign(text.encode(), self._key.signing)
        return f"{text}.{encoded(signature)}"

    def keyed(self, secret: bytes, **header: object) -> str:
        """Return a token that HS256 signs with a secret that isn't the key."""
        text = f"{encoded(self.header | {'alg': 'HS256'} | header)}.{self.body}"
        return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"

    def headed(self, **header: object) -> str:
        """Return the valid token with another header and its old signature."""
        return f"{encoded(_without_none(self.header | header))}.{self.body}.{self.signature}"

    def public_parts(self) -> dict[str, bytes]:
        """Return the spellings of the public key, which an attacker may use as a shared secret."""
        if self._key.public is None:
            return {}
        public = self._key.verifying
        return {
            "raw": public.public_bytes_raw(),
            "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "OpenSSH": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
            "x": self._key.public["x"].encode(),
            "JWK": json.dumps(dict(self._key.public)).encode(),
        }


def forged_tokens(token: str, key: Key) -> dict[str, str]:
    """Return over 170 tokens by what is wrong with them; `token` and `key` as `Forger` takes them."""
    forger = Forger(token, key)
    kinds = (_shapes, _algorithms, _headers, _claims, _times, _raw_claims)
    return {name: forged for kind in kinds for name, forged in kind(forger).items()}


def respellings(token: str) -> dict[str, str]:
    """Return other texts that lax decoders read as the same token."""
    head, body, signature = token.split(".")
    last = signature[-1]
    return {
        "trailing =": token + "=",
        "trailing ==": token + "==",
        "padded header": f"{head}=.{body}.{signature}",
        "padded claims": f"{head}.{body}==.{signature}",
        "signature with !": f"{head}.{body}.{signature[:9]}!{signature[9:]}",
        "signature with a line end": f"{head}.{body}.{signature[:9]}\x0b{signature[9:]}",
        "signature with another last letter": f"{head}.{body}.{signature[:-1]}{_next_letter(last)}",
        "standard alphabet": f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}=",
        "trailing dot": token + ".",
    }


def encoded(part: object) -> str:
    """Return a part of a token: bytes as they are, anything else as JSON."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _next_letter(letter: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _shapes(f: Forger) -> dict[str, str]:
    return respellings(f.token) | {
        "no token": "nonsense",
        "one part": f.head,
        "two parts": f"{f.head}.{f.body}",
        "four parts": f.token + ".x",
        "five parts, as a JWE": f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..{f.body}.{f.body}.{f.signature}",
        "empty parts": "..",
        "no header": f".{f.body}.{f.signature}",
        "no claims": f"{f.head}..{f.signature}",
        "no signature": f"{f.head}.{f.body}.",
        "not base64": "\u00e9.\u00e9.\u00e9",
        "cut signature": f.token[:-6],
        "zero signature": f"{f.head}.{f.body}.{encoded(bytes(64))}",
        "swapped parts": f"{f.body}.{f.head}.{f.signature}",
        "twice": f"{f.token}.{f.token}",
        "two in one header": f"{f.token},{f.token}",
        "inner space": f"{f.head}. {f.body}.{f.signature}",
        "other case": f.token.swapcase(),
        "JSON serialisation": json.dumps({"protected": f.head, "payload": f.body, "signature": f.signature}),
        "1 MB": f.signed({"pad": "x" * 1_000_000}),
        "over 2 KB": f.signed({"pad": "x" * 2_048}),
        "1 MB of dots": "." * 1_000_000,
    }


def _algorithms(f: Forger) -> dict[str, str]:
    none = {f"alg {alg!r}": f"{encoded(f.header | {'alg': alg})}.{f.body}." for alg in ("none", "None", "nOnE", "")}
    names: list[object] = ["RS256", "ES256", "PS256", "HS512", "ES256K", "HS256 ", "hs256", None, 7, ["HS256"], {}]
    named = {f"alg {alg} in name": f.headed(alg=alg) for alg in names}
    keyed = {f"the public key as a secret: {name}": f.keyed(secret) for name, secret in f.public_parts().items()}
    return (
        none
        | named
        | keyed
        | {
            "empty secret": f.keyed(b""),
            "zero secret": f.keyed(bytes(32)),
            "another secret": f.keyed(b"another-key-of-thirty-two-letters"),
            "its own kid as a secret": f.keyed(str(f.header["kid"]).encode()),
            "none, with a signature": f"{encoded(f.header | {'alg': 'none'})}.{f.body}.{f.signature}",
            "none, without kid": f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{f.body}.",
        }
    )


def _headers(f: Forger) -> dict[str, str]:
    kid = f.header["kid"]
    own = {"kty": "oct", "k": encoded(b"0" * 32), "kid": "own"}
    given: dict[str, dict[str, object]] = {
        "typ JWT": {"typ": "JWT"},
        "typ other case": {"typ": "AT+JWT"},
        "typ missing": {"typ": None},
        "typ a number": {"typ": 7},
        "typ a list": {"typ": ["at+jwt"]},
        "cty": {"cty": "JWT"},
        "crit": {"crit": ["exp"]},
        "crit empty": {"crit": []},
        "crit b64": {"crit": ["b64"], "b64": True},
        "b64 false": {"b64": False},
        "zip": {"zip": "DEF"},
        "jwk": {"jwk": own},
        "jku": {"jku": _EVIL},
        "x5u": {"x5u": _EVIL},
        "x5c": {"x5c": ["MIIB"]},
        "x5t": {"x5t": "abc"},
        "unknown parameter": {"role": "admin"},
        "kid missing": {"kid": None},
        "kid unknown": {"kid": "other"},
        "kid a path": {"kid": "../../dev/null"},
        "kid a query": {"kid": "' OR 1=1 --"},
        "kid an operator": {"kid": {"$ne": ""}},
        "kid a list": {"kid": [kid]},
        "kid a number": {"kid": 1},
        "kid other case": {"kid": kid.upper() + "X"},
        "kid with NUL": {"kid": f"{kid}\x00"},
    }
    return {f"header: {name}": f.signed(header=header) for name, header in given.items()} | {
        "own key in jwk": f.keyed(b"0" * 32, jwk=own),
        "own key in jwk under its kid": f.keyed(b"0" * 32, jwk=own, kid="own"),
        "empty secret under /dev/null": f.keyed(b"", kid="/dev/null"),
        "header a list": f.of_parts(["at+jwt"], f.claims),
        "header no JSON": f.of_parts(b"{", f.claims),
        "header null": f.of_parts(None, f.claims),
        "header deeply nested": f.of_parts(b"[" * 1_200, f.claims),
        "header no UTF-8": f.of_parts(b"\xff", f.claims),
        "header with alg twice": f.of_parts(json.dumps(f.header)[:-1].encode() + b', "alg": "none"}', f.claims),
    }


def _claims(f: Forger) -> dict[str, str]:
    subject, session = f.claims["sub"], f.claims["sid"]
    odd: dict[str, list[object]] = {
        "iss": ["other", "", ["parley"], 7, "Parley"],
        "aud": ["other", "", ["parley"], ["parley", "other"], [], 7, {"parley": True}],
        "sub": [new_id(), "admin", "", f"{subject} ", subject.upper() + "0", [subject], {"$gt": ""}, 7, True, "a\x00b"],
        "sid": [new_id(), "", session[:-1], [session], {"$ne": ""}, 7, False, "\ud800"],
        "tv": [-1, 1, "0", False, 0.0, 2**70, [0], {"$gte": 0}],
        "jti": [7, [], {"a": 1}],
    }
    wrong = {f"{claim} {value!a}"[:60]: f.signed({claim: value}) for claim, vs in odd.items() for value in vs}
    missing = {f"without {claim}": f.signed({claim: None}) for claim in f.claims}
    return (
        wrong
        | missing
        | {
            "extra claim": f.signed({"role": "admin"}),
            "extra claims": f.signed({"scope": "admin", "cnf": {"jkt": "x"}}),
            "forged claims": f"{f.head}.{encoded(f.claims | {'sub': new_id()})}.{f.signature}",
        }
    )


def _times(f: Forger) -> dict[str, str]:
    now = f.claims["iat"]
    odd: dict[str, list[object]] = {
        "iat": [now + 86_400, str(now), now + 0.5, True, [now], -(10**30), float("nan")],
        "nbf": [now + 60, now + 0.5, str(now), False, 10**30, {}],
        "exp": [str(now + 600), now + 600.5, f.claims["exp"] + 1, now + 315_360_000, 10**30, True, [], float("inf")],
    }
    return {f"{claim} {value!r}"[:60]: f.signed({claim: value}) for claim, vs in odd.items() for value in vs} | {
        "all times in the future": f.signed({"iat": now + 86_400, "nbf": now + 86_400, "exp": now + 86_460}),
        "exp NaN": f.signed({"exp": float("nan")}),
    }


def _raw_claims(f: Forger) -> dict[str, str]:
    text = json.dumps(f.claims)
    raw = {
        "a list": b"[1]",
        "null": b"null",
        "a text": b'"sub"',
        "no JSON": b"{",
        "no UTF-8": b"\xff",
        "deeply nested": b"[" * 1_300,
        "deeply nested in sub": b'{"sub":' * 180 + b"1" + b"}" * 180,
        "exp of 1,200 digits": text.replace(str(f.claims["exp"]), "9" * 1_200, 1).encode(),
        "sub twice": text[:-1].encode() + b', "sub": "admin"}',
    }
    return {f"claims: {name}": f.of_parts(f.header, claims) for name, claims in raw.items()}
