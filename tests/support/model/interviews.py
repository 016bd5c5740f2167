"""What requests to an interview answer, and what becomes of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from model.linearizability import Look, Operation
from model.states import (
    CANDIDATE,
    INTERVIEWER,
    OPEN,
    OUTSIDER,
    STEPS,
    Account,
    Answer,
    Interview,
    action_of,
    permits,
    refusal,
    transitions,
)

ACTIONS = {
    "show": "read",
    "people": "read",
    "history": "read",
    "attendance": "read",
    "conflicts": "conduct",
    "log": "talk",
    "entitle": "manage",
    "move": "manage",
    "transition": "conduct",
    "add": "manage",
    "remove": "manage",
    "post": "talk",
    "answer": "talk",
}
"""What each request needs; `listed` needs nothing, and shows what may be read."""
WRITES = ("entitle", "move", "transition", "add", "remove", "post", "answer")
_DETAILS = ("entitle", "move")
Result = tuple[Answer, Interview]
_CLOSED, _REFUSED = Answer(400, "interview_closed"), "refused"


@dataclass(frozen=True)
class Viewer:
    """The caller, in one of the states that their account can have had."""

    id: str
    role: str
    relation: str = OUTSIDER


@dataclass(frozen=True)
class Request:
    """One request to an interview.

    Args:
        kind: a key of `ACTIONS`, or `listed`.
        caller: the id of who sends it.
        value: what it sends: a title, a time, a status, an answer.
        target: the id of whom it is about.
        version: the version of the schedule, or of the interview, that it names.
    """

    kind: str
    caller: str
    value: str = ""
    target: str = ""
    version: int | None = None


def operation(
    request: Request,
    answer: Answer,
    *,
    start: float,
    end: float,
    callers: Iterable[Account | None],
    targets: Iterable[Account] = (),
    rev: int | None = None,
) -> Operation[Interview]:
    """Return what was observed as an operation of the interview.

    Args:
        request: what was sent.
        answer: what came back.
        start: when it was sent.
        end: when it was answered.
        callers: the states that the caller's account can have had meanwhile; None where their token was not valid.
        targets: the same of whom the request is about.
        rev: the revision that it has made, as the log says.
    """
    roles = {account.role if account else None for account in callers}
    accounts = tuple(dict.fromkeys(replace(one, name="", rev=0, ended=0) for one in targets)) or (None,)
    seen = _Observed(request, answer, roles, accounts, rev)
    text = f"{request} by {sorted(map(str, roles))} -> {answer}, rev {rev}"
    # What changes nothing is no write: its answer may show what was read after the guard's look.
    changes_nothing = request.kind in _DETAILS and rev is None
    is_write = request.kind in WRITES and not answer.code and not changes_nothing
    return Operation(start, end, seen.looks, seen.effect, text, is_write=is_write)


@dataclass(frozen=True)
class _Observed:
    """A request and its answer, with the roles and accounts that may have counted."""

    request: Request
    answer: Answer
    roles: AbstractSet[str | None]
    accounts: Sequence[Account | None]
    rev: int | None

    def looks(self, state: Interview) -> Iterator[Look]:
        """Yield as whom the guard can have let the caller through; `_REFUSED` where it answers what was observed."""
        relation, is_refused = state.relation(self.request.caller), self._is_closed(state)
        for role in self.roles:
            refused = refusal_of(self.request, role, relation)
            is_refused |= refused == self.answer
            if refused is None and role is not None:
                yield Viewer(self.request.caller, role, relation)
        if is_refused:
            yield _REFUSED

    def effect(self, state: Interview, look: Look) -> Interview | None:
        """Return the interview after the request, where the answer fits."""
        if not isinstance(look, Viewer):
            return state
        for account in self.accounts:
            expected, after = reply(state, self.request, look, account)
            if expected.fits(self.answer) and after.rev == (state.rev if self.rev is None else self.rev):
                return after
        return None

    def _is_closed(self, state: Interview) -> bool:
        """Return whether the request is refused as soon as the guard has read the interview's status."""
        return self.request.kind == "add" and state.status not in OPEN and self.answer == _CLOSED


def refusal_of(request: Request, role: str | None, relation: str) -> Answer | None:
    """Return what the guard answers to whoever may not send a request at all."""
    if role is None:
        return Answer(401, "invalid_token")
    if request.kind == "listed":
        return None
    if request.kind == "transition" and request.value in {"ongoing", "completed", "cancelled"}:
        return refusal("conduct", role, relation) or refusal(action_of(request.value), role, relation)
    return refusal(ACTIONS[request.kind], role, relation)


def reply(state: Interview, request: Request, viewer: Viewer, target: Account | None) -> Result:
    """Return what a request answers whom the guard has let through, and the interview after it."""
    return _REPLIES[request.kind](state, request, viewer, target)


def shown(state: Interview, viewer: Viewer) -> tuple[object, ...]:
    """Return what the representation of an interview says."""
    role = None if viewer.relation == OUTSIDER else viewer.relation
    with_notes = permits("conduct", viewer.role, viewer.relation)
    steps = transitions(state, viewer.role, viewer.relation)
    return state.title, state.scheduled_at, state.status, state.rev, state.version, role, steps, with_notes


def _show(state: Interview, _request: Request, viewer: Viewer, _target: Account | None) -> Result:
    return Answer(200, facts=shown(state, viewer)), state


def _listed(state: Interview, _request: Request, viewer: Viewer, _target: Account | None) -> Result:
    # The list's own query says as what the caller takes part.
    viewer = replace(viewer, relation=state.relation(viewer.id))
    is_visible = viewer.role == "admin" or viewer.relation != OUTSIDER
    return Answer(200, facts=shown(state, viewer) if is_visible else ()), state


def _people(state: Interview, _request: Request, viewer: Viewer, _target: Account | None) -> Result:
    sees_all = permits("conduct", viewer.role, viewer.relation)
    people = tuple((one, relation, sees_all or one == viewer.id) for one, relation in state.people)
    return Answer(200, facts=people), state


def _history(state: Interview, _request: Request, _viewer: Viewer, _target: Account | None) -> Result:
    return Answer(200, facts=(state.rev,)), state


def _attendance(state: Interview, _request: Request, _viewer: Viewer, _target: Account | None) -> Result:
    answers = {one: (answer, version) for one, answer, version in state.answers}
    people = tuple((one, *answers.get(one, (None, None))) for one, _ in state.people)
    return Answer(200, facts=(state.version, people)), state


def _conflicts(state: Interview, _request: Request, _viewer: Viewer, _target: Account | None) -> Result:
    return Answer(200), state


def _log(state: Interview, _request: Request, _viewer: Viewer, _target: Account | None) -> Result:
    return Answer(200, facts=(state.messages,)), state


def _entitle(state: Interview, request: Request, viewer: Viewer, _target: Account | None) -> Result:
    return _written(state, viewer, {} if request.value == state.title else {"title": request.value}, request)


def _move(state: Interview, request: Request, viewer: Viewer, _target: Account | None) -> Result:
    changes = {"scheduled_at": request.value, "version": state.version + 1}
    return _written(state, viewer, {} if request.value == state.scheduled_at else changes, request)


def _written(state: Interview, viewer: Viewer, changes: dict[str, object], request: Request) -> Result:
    if not _still(state, viewer):
        return _IMPOSSIBLE, state
    if state.status not in OPEN:
        return _CLOSED, state
    if request.version not in {None, state.rev}:
        return Answer(412, "precondition_failed"), state
    after = state.changed(**changes) if changes else state
    return Answer(200, facts=shown(after, viewer)), after


def _transition(state: Interview, request: Request, viewer: Viewer, _target: Account | None) -> Result:
    if not _still(state, viewer):
        return _IMPOSSIBLE, state
    if request.value not in STEPS[state.status]:
        return Answer(400, "invalid_transition"), state
    version = state.version + (request.value == "cancelled")
    after = state.changed(status=request.value, version=version)
    return Answer(200, facts=shown(after, viewer)), after


def _add(state: Interview, request: Request, viewer: Viewer, target: Account | None) -> Result:
    assert target is not None
    relation = request.value or (CANDIDATE if target.role == CANDIDATE else INTERVIEWER)
    if not target.active:
        return Answer(400, "inactive_user"), state
    if target.role == CANDIDATE and relation == INTERVIEWER:
        return Answer(400, "invalid_participant_role"), state
    if not _still(state, viewer):
        return _IMPOSSIBLE, state
    if state.status not in OPEN:
        return _CLOSED, state
    if state.relation(request.target) != OUTSIDER:
        return Answer(400, "duplicate_participant"), state
    after = state.changed(people=(*state.people, (request.target, relation)))
    return Answer(201, facts=(request.target, relation)), after


def _remove(state: Interview, request: Request, viewer: Viewer, _target: Account | None) -> Result:
    if not _still(state, viewer):
        return _IMPOSSIBLE, state
    if state.status not in OPEN:
        return _CLOSED, state
    if state.relation(request.target) == OUTSIDER:
        return Answer(404, "participant_not_found"), state
    people = tuple(one for one in state.people if one[0] != request.target)
    # Whoever is added again is asked again.
    answers = frozenset(one for one in state.answers if one[0] != request.target)
    return Answer(204), state.changed(people=people, answers=answers)


def _post(state: Interview, _request: Request, viewer: Viewer, _target: Account | None) -> Result:
    if state.status not in OPEN:
        return _CLOSED, state
    if state.relation(viewer.id) == OUTSIDER:
        return Answer(403, "not_a_participant"), state
    return Answer(201, facts=(state.messages + 1,)), replace(state, messages=state.messages + 1)


def _answer(state: Interview, request: Request, viewer: Viewer, _target: Account | None) -> Result:
    if state.status not in OPEN:
        return _CLOSED, state
    if state.relation(viewer.id) == OUTSIDER:
        return Answer(403, "not_a_participant"), state
    if request.version != state.version:
        return Answer(400, "schedule_changed"), state
    others = {one for one in state.answers if one[0] != viewer.id}
    answers = frozenset({*others, (viewer.id, request.value, state.version)})
    return Answer(200, facts=(request.value, state.version)), replace(state, answers=answers)


_IMPOSSIBLE = Answer(-1, "impossible")


def _still(state: Interview, viewer: Viewer) -> bool:
    """Return whether the caller is what the guard has seen: a change needs that, and so does its refusal."""
    return state.relation(viewer.id) == viewer.relation


_REPLIES: dict[str, Callable[[Interview, Request, Viewer, Account | None], Result]] = {
    "show": _show,
    "listed": _listed,
    "people": _people,
    "history": _history,
    "attendance": _attendance,
    "conflicts": _conflicts,
    "log": _log,
    "entitle": _entitle,
    "move": _move,
    "transition": _transition,
    "add": _add,
    "remove": _remove,
    "post": _post,
    "answer": _answer,
}
