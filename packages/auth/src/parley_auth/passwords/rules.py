"""The rules for new passwords of one application: its minimum length, and its own words."""

from collections.abc import Iterable

from parley_auth.passwords.hashing import check_strength

_OWN_WORDS = frozenset({"parley-auth", "parleyparley"})


class PasswordRules:
    """Refuses passwords that are easily guessed.

    Args:
        min_length: the smallest number of characters.
        roles: the names of the application's roles.
        scopes: the names of its participant scopes; their plurals are refused too.
    """

    def __init__(self, *, min_length: int, roles: Iterable[str], scopes: Iterable[str]) -> None:
        self._min_length = min_length
        # Words of the product are refused as passwords (ASVS 6.1.2); docs/security.md explains why so few.
        self._words = _OWN_WORDS | set(roles) | {word for scope in scopes for word in (scope, f"{scope}s")}

    def check(self, password: str, *, email: str = "", name: str | None = None) -> None:
        """Raise `WeakPassword` (400) for a password that is easily guessed (ASVS 6.2.1, 6.2.4, 6.2.11).

        Args:
            password: the new password.
            email: the account's e-mail; neither it nor the part before its `@` may be the password.
            name: the account's name, which may not be the password either.
        """
        check_strength(password, min_length=self._min_length, email=email, name=name, words=self._words)
