"""Where the vault's keys come from: the setting, or one that is stored beside an embedded database."""

from pathlib import Path

from parley_core import KeyFile, StartupError
from parley_core.private_file import read_or_store, read_private
from parley_webhooks.transport.vault import UnusableKey, Vault, new_key, parse_keys

KEY_FILE = KeyFile("webhooks_key", without="No webhook delivers before it is given a new secret.")


def vault_of(*, key: str | None, data_dir: Path | None) -> Vault | None:
    """Return the vault of the setting's keys, or of one that is made once in the data directory; None without either.

    A key that was stored before the setting was made goes on opening what it sealed.

    Args:
        key: the value of PARLEY_WEBHOOKS_KEY.
        data_dir: the data directory of the embedded database; None where a MongoDB server is named.

    Raises:
        StartupError: a key is unusable, or the stored one is damaged or not this user's alone.
    """
    try:
        keys = parse_keys(key) if key else ()
    except UnusableKey as error:
        raise StartupError(f"PARLEY_WEBHOOKS_KEY: {error}") from None
    if data_dir is not None:
        keys = (*keys, *_stored_keys(data_dir / KEY_FILE.name, is_needed=not keys))
    return Vault(keys) if keys else None


def _stored_keys(path: Path, *, is_needed: bool) -> tuple[bytes, ...]:
    """Return the stored keys; where there are none and one is needed, it is made."""
    try:
        stored = read_or_store(path, new_key) if is_needed else read_private(path)
        return parse_keys(stored.decode("ascii"))
    except FileNotFoundError:
        return ()
    except ValueError:
        raise StartupError(
            f"{path} is damaged: restore it, or remove it to have a new key generated;"
            " each webhook needs a new secret then"
        ) from None
