"""Where the signing keys come from: the settings, or one secret that is stored beside an embedded database."""

import secrets
from pathlib import Path

from parley_auth.signing.key_ring import MIN_SECRET_BYTES, KeyRing, UnusableKey, parse_keys, secret_key
from parley_core import KeyFile, StartupError
from parley_core.private_file import read_or_store

KEY_FILE = KeyFile(
    "jwt_secret",
    without="All access tokens are invalid; callers get new ones with their refresh tokens.",
)
_ADVICE = 'set PARLEY_JWT_SECRET to the output of: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def key_ring(*, jwk_set: str | None, secret: str | None, data_dir: Path | None) -> KeyRing:
    """Return the keys of the JWK Set, followed by the secret; without either, the secret stored in the data directory.

    Args:
        jwk_set: the value of PARLEY_JWT_KEYS.
        secret: the value of PARLEY_JWT_SECRET.
        data_dir: the data directory of the embedded database; None where a MongoDB server is named.

    Raises:
        StartupError: there is no key, two keys have the same id, or the stored secret is damaged or not this user's
            alone.
    """
    keys = parse_keys(jwk_set) if jwk_set else []
    if secret or not keys:
        keys.append(secret_key(secret.encode() if secret else _stored_secret(data_dir)))
    try:
        return KeyRing(keys)
    except UnusableKey as error:
        raise StartupError(f"PARLEY_JWT_KEYS: {error}") from None


def _stored_secret(data_dir: Path | None) -> bytes:
    if data_dir is None:
        raise StartupError(f"PARLEY_JWT_SECRET is missing, and a MongoDB server of your own needs it: {_ADVICE}")
    path = data_dir / KEY_FILE.name
    stored = read_or_store(path, lambda: secrets.token_urlsafe(48)).strip()
    if len(stored) < MIN_SECRET_BYTES:
        raise StartupError(
            f"{path} is damaged: remove it to have a new secret generated; all access tokens become invalid"
        )
    return stored
