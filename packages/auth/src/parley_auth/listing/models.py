"""What a list asks for."""

from dataclasses import dataclass

from parley_auth.models import AccountState


@dataclass(frozen=True, kw_only=True)
class UserFilter:
    """Which accounts a list has; what is empty or None narrows nothing.

    Args:
        sought: alternatives, of each of which all are the starts of search words of the account.
        role: the account's role.
        active: whether it is active.
        state: its state.
    """

    sought: tuple[tuple[str, ...], ...] = ()
    role: str | None = None
    active: bool | None = None
    state: AccountState | None = None
