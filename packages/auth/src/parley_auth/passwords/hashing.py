"""Passwords: argon2id off the event loop, and the rules for a new password."""

from collections.abc import Collection
from functools import cache
from importlib import metadata
from importlib.machinery import SourceFileLoader
from types import ModuleType

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parley_auth.errors import WeakPassword
from parley_auth.passwords.pool import HashingPool, Turn

MAX_LENGTH = 128
# OWASP's floor for argon2id: 19 MiB, two passes, one lane. argon2-cffi's default costs eight times that.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Passwords:
    """Hashes and verifies in a small pool of threads; when its queue is full, it raises `Unavailable` (503)."""

    def __init__(self) -> None:
        self._pool = HashingPool()
        # Verified when there is no account, so that the time taken doesn't reveal its absence.
        self._decoy = _decoy_hash()

    async def hash(self, password: str, turn: Turn = Turn.LOGIN) -> str:
        """Return the argon2id hash of a password, with its parameters (PHC string)."""
        return await self._pool.run(lambda: HASHER.hash(password), turn)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password belongs to the hash; without a hash do the same work and return False."""
        matches = await self._pool.run(lambda: _matches(password_hash or self._decoy, password), Turn.LOGIN)
        return matches and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """Return whether the hash has other parameters than new hashes."""
        return HASHER.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Stop the threads when their work is done."""
        self._pool.close()


def check_strength(
    password: str,
    *,
    min_length: int,
    email: str = "",
    name: str | None = None,
    words: Collection[str] = (),
) -> None:
    """Raise `WeakPassword` (400) for a password that is easily guessed (ASVS 6.2.1, 6.2.4, 6.2.11).

    Args:
        password: the new password.
        min_length: the smallest number of characters.
        email: the account's e-mail; neither it nor the part before its `@` may be the password.
        name: the account's name, which may not be the password either.
        words: words of the product, which may not be the password either.
    """
    if len(password) < min_length:
        raise WeakPassword(f"The password must have at least {min_length} characters")
    folded = password.casefold()
    if _is_common(folded):
        raise WeakPassword("This password is one of the most common passwords: choose another")
    if folded in {email.casefold(), email.partition("@")[0].casefold(), (name or "").casefold(), *words}:
        raise WeakPassword("The password must not be the name, the e-mail or a word of this product")


@cache
def common_passwords() -> str:
    """Return about 30,000 common passwords, from zxcvbn's list, each between two line breaks.

    One text of them takes a fiftieth of the memory of the list's package, of which nothing else is loaded.
    """
    file = str(metadata.distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py"))
    loader = SourceFileLoader("frequency_lists", file)
    lists = ModuleType(loader.name)
    loader.exec_module(lists)
    return "\n".join(["", *lists.FREQUENCY_LISTS["passwords"], ""])


def _is_common(password: str) -> bool:
    return "\n" not in password and f"\n{password}\n" in common_passwords()


@cache
def _decoy_hash() -> str:
    return HASHER.hash("")


def _matches(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
