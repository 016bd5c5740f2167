"""Passwords: argon2id off the event loop, and the rules that a new one must meet."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parley_auth.errors import WeakPassword
from parley_core.errors import Unavailable

T = TypeVar("T")
MAX_LENGTH = 128
# One fewer than the machine has, so that the event loop keeps one: hashing takes a whole core for its time.
_THREADS = max(1, (os.cpu_count() or 2) - 1)
_QUEUE = 80
# A flood of registrations leaves room for logins.
_QUEUE_OF_NEW = 64
# OWASP's floor for argon2id: 19 MiB, two passes, one lane. argon2-cffi's default costs eight times that.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

OUR_WORDS = frozenset({"interview", "interviews", "interviewer", "candidate", "parley-auth", "parleyparley"})
"""Words of this product that nobody may take as a password (ASVS 6.1.2); docs/security.md tells why so few."""


class Passwords:
    """Hashes and verifies in a small pool of threads; what doesn't fit into its queue gets 503."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        # Verified against when there is no account, so that its absence can't be told from the time it takes.
        self._nobody = _nobodys_hash()

    async def hash(self, password: str) -> str:
        """The argon2id hash of a password, with its parameters (PHC string)."""
        return await self._run(lambda: HASHER.hash(password), room=_QUEUE_OF_NEW)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; without a hash the same work is done and the answer is no."""
        matches = await self._run(lambda: _matches(password_hash or self._nobody, password))
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than new ones are."""
        return HASHER.check_needs_rehash(password_hash)

    async def _run(self, work: Callable[[], T], *, room: int = _QUEUE) -> T:
        if self._waiting >= room:
            raise Unavailable
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the threads once their work is done."""
        self._pool.shutdown()


def check_strength(password: str, *, min_length: int, email: str = "", name: str | None = None) -> None:
    """Raises `WeakPassword` (400) for a password that anybody would try first (ASVS 6.2.1, 6.2.4, 6.2.11).

    Args:
        password: the new password.
        min_length: how many characters it has at least.
        email: the account's, which is no password; nor is the part before its `@`.
        name: the account's, which is none either.
    """
    if len(password) < min_length:
        raise WeakPassword(f"A password has at least {min_length} characters")
    folded = password.casefold()
    if folded in common_passwords():
        raise WeakPassword("This password is on the list of the most common ones")
    if folded in {email.casefold(), email.partition("@")[0].casefold(), (name or "").casefold()} | OUR_WORDS:
        raise WeakPassword("A password is no name, e-mail or word of this product")


@cache
def common_passwords() -> frozenset[str]:
    """About 30,000 common passwords, most common first in zxcvbn's own list."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - large, and a process may never need it

    return frozenset(FREQUENCY_LISTS["passwords"])


@cache
def _nobodys_hash() -> str:
    return HASHER.hash("")


def _matches(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
