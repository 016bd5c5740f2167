"""The keys that sign access tokens: given, or one secret made once for an embedded database."""

import os
import secrets
from pathlib import Path

from parley_auth.settings import AuthSettings
from parley_auth.tokens.keys import MIN_SECRET_BYTES, KeyRing, UnusableKey, parse_keys, secret_key
from parley_core import Parley, StartupError

_FILE = "jwt_secret"
_ADVICE = 'set PARLEY_JWT_SECRET to the output of: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def key_ring(parley: Parley) -> KeyRing:
    """The keys of PARLEY_JWT_KEYS, then PARLEY_JWT_SECRET; without either the one that an embedded database keeps.

    Raises:
        StartupError: there is no key, or two have one id.
    """
    settings = parley.settings(AuthSettings)
    keys = parse_keys(settings.jwt_keys.get_secret_value()) if settings.jwt_keys else []
    if settings.jwt_secret or not keys:
        keys.append(secret_key(signing_secret(parley)))
    try:
        return KeyRing(keys)
    except UnusableKey as error:
        raise StartupError(f"PARLEY_JWT_KEYS: {error}") from None


def signing_secret(parley: Parley) -> bytes:
    """PARLEY_JWT_SECRET, or the secret kept 0600 in the data directory of the embedded database.

    Raises:
        StartupError: no secret is set and the database is not the embedded one, or the kept one is damaged.
    """
    given = parley.settings(AuthSettings).jwt_secret
    if given is not None:
        return given.get_secret_value().encode()
    if parley.data_dir is None:
        raise StartupError(f"PARLEY_JWT_SECRET is missing, which a MongoDB of your own needs: {_ADVICE}")
    return _kept(parley.data_dir / _FILE)


def _kept(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    kept = path.read_bytes().strip()
    if len(kept) < MIN_SECRET_BYTES:
        raise StartupError(f"{path} is damaged: remove it, which ends all access tokens, to have a new secret made")
    return kept


def _make(path: Path) -> None:
    """Writes a new secret; of several workers that try at once one wins, and none sees a half-written file."""
    draft = path.with_name(f"{_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        # Another worker was first: his secret counts.
        return
    finally:
        draft.unlink()
