"""Whether all that was observed in a run fits the model, given what the log says that was written."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from model import accounts, interviews
from model.accounts import AccountRequest, Change
from model.interviews import Request
from model.linearizability import Operation, smallest, violation_of
from model.people import Observed, Run
from model.states import ANY, UNAVAILABLE, Account, Interview
from parley_core.log.reader import LogEntry

S = TypeVar("S", bound=Hashable)


@dataclass
class Lives:
    """The states that each account had in a run, in the order of its revisions."""

    initial: Mapping[str, Account]
    changes: Mapping[str, Sequence[Change]]

    def possible(self, user_id: str, start: float, end: float) -> Iterable[Account]:
        """Yield the states that an account can have had between two instants."""
        return accounts.possible(self.initial[user_id], self.changes.get(user_id, ()), start, end)

    def callers(self, observed: Observed, user_id: str) -> Iterator[Account | None]:
        """Yield the states in which a caller's token was valid, and None where there is one in which it wasn't."""
        for account in self.possible(user_id, observed.start, observed.end):
            yield account if account.active and account.ended == observed.token else None


def violations_in(run: Run, log: Sequence[LogEntry]) -> Iterator[str]:
    """Yield what doesn't fit, each with the smallest history that shows it."""
    revs = {(entry.subject_id, entry.request_id): entry.rev for entry in log if entry.kind in {"user", "interview"}}
    logged = {entry.request_id for entry in log}
    yield from _unrecorded(run, log)
    for user_id, user in run.users.items():
        history = [_of_account(one, revs.get((user_id, one.id))) for one in _known(run, user_id, logged)]
        yield from _violations(f"account {user_id}", history, user.initial)
    lives = lives_of(run, revs)
    for interview_id, initial in run.initial.items():
        known = _known(run, interview_id, logged)
        operations = [_of_interview(one, lives, revs.get((interview_id, one.id))) for one in known]
        yield from _violations(f"interview {interview_id}", operations, initial)


def unanswered(run: Run) -> int:
    """Return how many requests got 503: nobody knows from that what became of them."""
    return sum(one.answer.status == UNAVAILABLE for several in run.observed.values() for one in several)


def _known(run: Run, subject: str, logged: Collection[str]) -> Iterator[Observed]:
    """Yield the observations of a subject; of a write that wasn't answered the log says whether it was done."""
    for one in run.observed[subject]:
        if one.answer.status != UNAVAILABLE:
            yield one
        elif one.id in logged:
            yield replace(one, answer=ANY, end=float("inf"))


def lives_of(run: Run, revs: Mapping[tuple[str, str], int]) -> Lives:
    """Return the lives of a run's accounts, out of the order that the log gives to their changes."""
    changes: dict[str, list[Change]] = {}
    for user_id, user in run.users.items():
        written = [(revs[user_id, one.id], one) for one in run.observed[user_id] if (user_id, one.id) in revs]
        state = user.initial
        for _, one in sorted(written, key=lambda pair: pair[0]):
            assert isinstance(one.request, AccountRequest)
            state = accounts.changed(state, one.request)
            changes.setdefault(user_id, []).append(Change(one.start, one.end, state))
    return Lives({user_id: user.initial for user_id, user in run.users.items()}, changes)


def _unrecorded(run: Run, log: Sequence[LogEntry]) -> Iterator[str]:
    """Yield requests that were refused and yet stand in the log, and gaps in its positions."""
    if [entry.position for entry in log] != list(range(1, len(log) + 1)):
        yield "the positions of the log are not dense"
    several = (one for observed in run.observed.values() for one in observed)
    refused = {one.id for one in several if one.answer.code and one.answer.status != UNAVAILABLE}
    yield from (f"refused, and in the log: {entry}" for entry in log if entry.request_id in refused)


def _of_account(one: Observed, rev: int | None) -> Operation[Account]:
    assert isinstance(one.request, AccountRequest)
    return accounts.operation(one.request, one.answer, start=one.start, end=one.end, rev=rev)


def _of_interview(one: Observed, lives: Lives, rev: int | None) -> Operation[Interview]:
    assert isinstance(one.request, Request)
    targets = lives.possible(one.request.target, one.start, one.end) if one.request.kind == "add" else ()
    return interviews.operation(
        one.request,
        one.answer,
        start=one.start,
        end=one.end,
        callers=lives.callers(one, one.request.caller),
        targets=targets,
        rev=rev,
    )


def _violations(subject: str, history: Sequence[Operation[S]], initial: S) -> Iterator[str]:
    found = violation_of(history, initial)
    if found:
        part = smallest(history, initial)
        lines = [f"  {one.start:.6f} to {one.end:.6f}: {one.text}" for one in part]
        yield "\n".join([f"{subject}: {found}", "smallest history:", *lines])
