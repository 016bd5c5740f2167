"""What requests to an account answer, and the states that an account can have had during a request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from model.linearizability import Look, Operation
from model.states import Account, Answer

_REFUSED = Answer(401, "invalid_token")


@dataclass(frozen=True)
class AccountRequest:
    """One request to an account.

    Args:
        kind: `change`, `end_sessions`, `fetch`, `count` and `found` by an administrator; `me` by its owner.
        changes: the fields that a change sets.
        ended: how many times all sessions of the account had ended when the token of `me` was issued.
    """

    kind: str
    changes: tuple[tuple[str, object], ...] = ()
    ended: int = 0


@dataclass(frozen=True)
class Change:
    """A change of an account: when it was sent, when it was answered, and the account after it."""

    start: float
    end: float
    after: Account


def operation(
    request: AccountRequest, answer: Answer, *, start: float, end: float, rev: int | None = None
) -> Operation[Account]:
    """Return what was observed as an operation of the account; `rev` is the revision that it has made."""

    def looks(state: Account) -> Iterable[Look]:
        if is_admitted(state, request):
            yield "admitted"
        elif answer == _REFUSED:
            yield "refused"

    def effect(state: Account, look: Look) -> Account | None:
        if look == "refused":
            return state
        expected, after = reply(state, request)
        fits = expected.fits(answer) and after.rev == (state.rev if rev is None else rev)
        return after if fits else None

    is_write = request.kind in {"change", "end_sessions"} and not answer.code
    return Operation(start, end, looks, effect, f"{request} -> {answer}, rev {rev}", is_write=is_write)


def is_admitted(state: Account, request: AccountRequest) -> bool:
    """Return whether the guard lets a request through: an owner's with a token that is still good."""
    return request.kind != "me" or (state.active and request.ended == state.ended)


def reply(state: Account, request: AccountRequest) -> tuple[Answer, Account]:
    """Return what a request answers that the guard has let through, and the account after it."""
    if request.kind == "count":
        return Answer(200, facts=(state.rev,)), state
    after = changed(state, request)
    return (Answer(204) if request.kind == "end_sessions" else Answer(200, facts=after.facts)), after


def changed(state: Account, request: AccountRequest) -> Account:
    """Return the account after a request; what changes nothing is no change."""
    if request.kind == "end_sessions":
        return replace(state, rev=state.rev + 1, ended=state.ended + 1)
    after = replace(state, **dict(request.changes))  # type: ignore[arg-type]
    if after == state:
        return state
    ended = state.ended + (state.active and not after.active)
    return replace(after, rev=state.rev + 1, ended=ended)


def possible(initial: Account, changes: Sequence[Change], start: float, end: float) -> Iterable[Account]:
    """Yield the states that an account can have had between two instants, its changes given in their order."""
    begins = float("-inf")
    for number, after in enumerate([initial, *(change.after for change in changes)]):
        begins = max(begins, changes[number - 1].start) if number else begins
        ends = min((change.end for change in changes[number:]), default=float("inf"))
        if begins <= end and ends >= start:
            yield after
