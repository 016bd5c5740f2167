"""How requests of the model are sent, and what of their answers it compares."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from model.accounts import AccountRequest
from model.interviews import Request
from model.people import Run, User
from model.states import Answer

Facts = tuple[object, ...]
_METHODS = {
    "show": ("GET", ""),
    "people": ("GET", "/participants?limit=100"),
    "history": ("GET", "/history?limit=1"),
    "attendance": ("GET", "/attendance"),
    "conflicts": ("GET", "/conflicts"),
    "log": ("GET", "/messages?limit=100"),
    "entitle": ("PATCH", ""),
    "move": ("PATCH", ""),
    "transition": ("PATCH", "/status"),
    "add": ("POST", "/participants"),
    "remove": ("DELETE", "/participants/{target}"),
    "post": ("POST", "/messages"),
    "answer": ("PUT", "/rsvp"),
}
_ACCOUNT = {
    "change": ("PATCH", "/users/{id}"),
    "end_sessions": ("POST", "/users/{id}/logout-all"),
    "fetch": ("GET", "/users/{id}"),
    "count": ("GET", "/users/{id}/history?limit=1"),
    "me": ("GET", "/users/me"),
}


async def to_interview(run: Run, interview_id: str, request: Request) -> httpx.Response:
    """Send a request to an interview as its caller, and note its answer."""
    caller = run.users[request.caller]
    method, rest = _METHODS[request.kind]
    path, token = f"/interviews/{interview_id}{rest.format(target=request.target)}", caller.token
    more = {"If-Match": run.etags[interview_id, request.version]} if _is_conditional(request) else {}
    sent = await run.send(method, path, caller.headers | more, json=_body(request))
    if caller is run.root and _FACTS.get(request.kind) is _shown and sent[0].is_success:
        run.etags[interview_id, sent[0].json()["rev"]] = sent[0].headers["ETag"]
    run.note(interview_id, request, answer_of(sent[0], _FACTS.get(request.kind, none)), sent, token=token)
    return sent[0]


async def to_list(run: Run, caller: User) -> httpx.Response:
    """Have somebody list interviews, and note for each what they see of it."""
    expected, token = list(run.current), caller.token
    sent = await run.send("GET", "/interviews?limit=100", caller.headers)
    seen = {one["id"]: one for one in sent[0].json().get("items", ())}
    for interview_id in expected:
        shown = seen.get(interview_id)
        answer = answer_of(sent[0], lambda _body, shown=shown: _shown(shown) if shown else ())  # type: ignore[misc]
        run.note(interview_id, Request("listed", caller.id), answer, sent, token=token)
    return sent[0]


async def to_account(run: Run, user: User, request: AccountRequest) -> httpx.Response:
    """Send a request to an account as the administrator or as its owner, and note its answer."""
    method, path = _ACCOUNT[request.kind]
    headers = user.headers if request.kind == "me" else run.root.headers
    body = dict(request.changes) or None
    sent = await run.send(method, path.format(id=user.id), headers, json=body)
    facts = _ACCOUNT_FACTS.get(request.kind, _account)
    run.note(user.id, request, answer_of(sent[0], facts), sent, token=request.ended)
    return sent[0]


async def to_users(run: Run) -> httpx.Response:
    """List all accounts, and note what is shown of each."""
    sent = await run.send("GET", "/users?limit=100", run.root.headers)
    for shown in sent[0].json().get("items", ()):
        if shown["id"] in run.users:
            run.note(shown["id"], AccountRequest("fetch"), Answer(200, facts=_account(shown)), sent)
    return sent[0]


def answer_of(response: httpx.Response, facts: Callable[[Any], Facts]) -> Answer:
    """Return what the model compares of an answer."""
    if response.is_error:
        return Answer(response.status_code, response.json()["code"])
    return Answer(response.status_code, facts=() if facts is none else facts(response.json()))


def none(_body: object) -> Facts:
    """Return no fact: the status alone is compared."""
    return ()


def _is_conditional(request: Request) -> bool:
    return request.kind in {"entitle", "move"} and request.version is not None


def _body(request: Request) -> Mapping[str, object] | None:
    relation = {"participant_role": request.value} if request.value else {}
    bodies: Mapping[str, Mapping[str, object]] = {
        "entitle": {"title": request.value},
        "move": {"scheduled_at": request.value},
        "transition": {"status": request.value},
        "add": {"user_id": request.target, **relation},
        "post": {"content": request.value},
        "answer": {"answer": request.value, "schedule_version": request.version},
    }
    return bodies.get(request.kind)


def _shown(body: Any) -> Facts:
    fields = ("title", "scheduled_at", "status", "rev", "schedule_version", "my_role")
    return *(body[name] for name in fields), tuple(body["allowed_transitions"]), body["notes"] is not None


def _people(body: Any) -> Facts:
    return tuple((one["user_id"], one["participant_role"], one["email"] is not None) for one in body["items"])


def _total(body: Any) -> Facts:
    return (body["total"],)


def _log(body: Any) -> Facts:
    # A page that isn't dense fits no state.
    is_dense = [one["seq"] for one in body["items"]] == list(range(1, min(body["total"], 100) + 1))
    return (body["total"],) if is_dense else ("not dense", body["total"])


def _attendance(body: Any) -> Facts:
    people = tuple((one["user_id"], one["answer"], one["schedule_version"]) for one in body["items"])
    return body["schedule_version"], people


def _account(body: Any) -> Facts:
    return body["role"], body["active"], body["name"]


_FACTS: Mapping[str, Callable[[Any], Facts]] = {
    "show": _shown,
    "people": _people,
    "history": _total,
    "attendance": _attendance,
    "log": _log,
    "entitle": _shown,
    "move": _shown,
    "transition": _shown,
    "add": lambda body: (body["user_id"], body["participant_role"]),
    "post": lambda body: (body["seq"],),
    "answer": lambda body: (body["answer"], body["schedule_version"]),
}
_ACCOUNT_FACTS: Mapping[str, Callable[[Any], Facts]] = {"count": _total, "end_sessions": none}
