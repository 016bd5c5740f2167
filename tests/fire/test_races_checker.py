"""The controls of the checker: it accepts histories that are right, and finds each kind of fault in others."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from model import accounts, interviews
from model.accounts import AccountRequest, Change, possible
from model.interviews import Request
from model.linearizability import Operation, smallest, violation_of
from model.states import Account, Answer, Interview

ADMIN, MEMBER = Account("admin"), Account("interviewer")
START = Interview("A", "2027-03-05T09:30:00Z", people=(("m", "interviewer"),))
SHOWN = ("2027-03-05T09:30:00Z", "scheduled")
STEPS = ("ongoing", "cancelled")


def entitled(title: str, rev: int, start: float, end: float) -> Operation[Interview]:
    """An administrator's change of the title, as it was answered."""
    answer = Answer(200, facts=(title, *SHOWN, rev, 0, None, STEPS, True))
    request = Request("entitle", "root", title)
    return interviews.operation(request, answer, start=start, end=end, callers=[ADMIN], rev=rev)


def seen(title: str, rev: int, start: float, end: float) -> Operation[Interview]:
    """A participant's read, as it was answered."""
    answer = Answer(200, facts=(title, *SHOWN, rev, 0, "interviewer", ("ongoing",), True))
    return interviews.operation(Request("show", "m"), answer, start=start, end=end, callers=[MEMBER])


def removed(start: float, end: float) -> Operation[Interview]:
    """The removal of the participant, as revision 2."""
    request = Request("remove", "root", target="m")
    return interviews.operation(request, Answer(204), start=start, end=end, callers=[ADMIN], rev=2)


def posted(seq: int, start: float, end: float) -> Operation[Interview]:
    """A participant's message, as it was answered."""
    answer = Answer(201, facts=(seq,))
    return interviews.operation(Request("post", "m", "x"), answer, start=start, end=end, callers=[MEMBER])


RIGHT: dict[str, Sequence[Operation[Interview]]] = {
    "one after the other": [entitled("B", 2, 0, 1), seen("B", 2, 2, 3)],
    "a read beside a write sees either": [entitled("B", 2, 0, 9), seen("A", 1, 1, 2), seen("B", 2, 3, 4)],
    "writes in the order of their revisions": [entitled("C", 3, 0, 9), entitled("B", 2, 1, 8), seen("C", 3, 9.5, 10)],
    "a read whose guard came before a removal": [removed(0, 9), seen("A", 1, 1, 8)],
    "messages side by side": [posted(2, 0, 9), posted(1, 0, 9)],
}
WRONG: dict[str, Sequence[Operation[Interview]]] = {
    "a lost update": [entitled("B", 2, 0, 1), entitled("C", 2, 0, 1)],
    "a stale read": [entitled("B", 2, 0, 1), seen("A", 1, 2, 3)],
    "a read that goes back": [entitled("B", 2, 0, 9), seen("B", 2, 1, 2), seen("A", 1, 3, 4)],
    "a value that nobody wrote": [entitled("B", 2, 0, 1), seen("C", 2, 2, 3)],
    "a read after the removal": [removed(0, 1), seen("A", 2, 2, 3)],
    "a message after the removal": [removed(0, 1), posted(1, 2, 3)],
    "one number twice": [posted(1, 0, 9), posted(1, 0, 9)],
    "a number left out": [posted(1, 0, 1), posted(3, 2, 3)],
}


@pytest.mark.parametrize("history", list(RIGHT.values()), ids=list(RIGHT))
def test_right_histories(history: Sequence[Operation[Interview]]) -> None:
    """What some order explains is no violation."""
    assert violation_of(history, START) is None


@pytest.mark.parametrize("history", list(WRONG.values()), ids=list(WRONG))
def test_wrong_histories(history: Sequence[Operation[Interview]]) -> None:
    """What no order explains is a violation, and stays one in the smallest history that is reported."""
    noise = [seen("A", 1, -3 + number / 10, -2) for number in range(8)]
    assert violation_of([*noise, *history], START)
    assert smallest([*noise, *history], START) == history


def test_revoked_rights() -> None:
    """A demoted caller's write fits while the demotion is under way, and not once it was acknowledged."""
    demoted = [Change(2, 3, replace(ADMIN, role="candidate"))]
    request, answer = Request("entitle", "u", "A"), Answer(200, facts=("A", *SHOWN, 1, 0, None, STEPS, True))

    def violates(start: float, end: float) -> bool:
        callers = possible(ADMIN, demoted, start, end)
        one = interviews.operation(request, answer, start=start, end=end, callers=callers)
        return violation_of([one], START) is not None

    assert [violates(0, 1), violates(2.5, 4), violates(3.5, 4)] == [False, False, True]


def test_ended_sessions() -> None:
    """A token that is accepted after all sessions of its account have ended is a violation."""
    end = accounts.operation(AccountRequest("end_sessions"), Answer(204), start=0, end=1, rev=2)
    fine, late = (
        accounts.operation(AccountRequest("me"), answer, start=2, end=3)
        for answer in (Answer(401, "invalid_token"), Answer(200, facts=MEMBER.facts))
    )
    assert violation_of([end, fine], MEMBER) is None
    assert violation_of([end, late], MEMBER)
