"""Random people who use the product all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from model import sending
from model.accounts import AccountRequest
from model.interviews import ACTIONS, Request
from model.people import Run, User

LogIn = Callable[[User], Awaitable[dict[str, str]]]
AT_ONCE, CURRENT, LONGEST = 16, 5, 150
_READS = ("show", "people", "history", "attendance", "conflicts", "log")
_WRITES = tuple(kind for kind in ACTIONS if kind not in _READS)
_ROLES = ("admin", "interviewer", "candidate")


async def use(run: Run, steps: int, log_in: LogIn) -> None:
    """Take so many steps; a step is one request, or few of which each waits for the one before it."""
    left = iter(range(steps))
    locks = {user_id: asyncio.Lock() for user_id in run.users}

    async def act(steps: Iterator[int]) -> None:
        for step in steps:
            await _step(run, step, locks, log_in)

    for number in range(CURRENT):
        await run.create(f"Title {number}", _some_people(run))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(act(left))


async def _step(run: Run, step: int, locks: dict[str, asyncio.Lock], log_in: LogIn) -> None:
    kind, user = run.chance.random(), run.chance.choice([one for one in run.users.values() if one is not run.root])
    if kind < 0.06:
        await _change(run, user)
    elif kind < 0.08 and not locks[user.id].locked():
        async with locks[user.id]:
            await _come_and_go(run, user, log_in)
    elif kind < 0.16:
        await _look_at(run, user)
    elif kind < 0.22:
        await sending.to_list(run, user)
    else:
        await _touch(run, step)


async def _change(run: Run, user: User) -> None:
    names = {"name": f"Name {run.chance.randrange(4)}"}
    changes = names if run.chance.random() < 0.5 else {"role": run.chance.choice(_ROLES)}
    await sending.to_account(run, user, AccountRequest("change", tuple(changes.items())))


async def _come_and_go(run: Run, user: User, log_in: LogIn) -> None:
    """End all sessions of an account, and log in again."""
    if run.chance.random() < 0.5:
        await sending.to_account(run, user, AccountRequest("end_sessions"))
    else:
        await sending.to_account(run, user, AccountRequest("change", (("active", False),)))
        for _ in range(3):
            await _touch(run, 0)
        await sending.to_account(run, user, AccountRequest("change", (("active", True),)))
    headers = await log_in(user)
    user.headers, user.token = headers, user.token + 1


async def _look_at(run: Run, user: User) -> None:
    kind = run.chance.choice(("me", "me", "fetch", "count", "all"))
    if kind == "all":
        await sending.to_users(run)
    else:
        ended = user.token if kind == "me" else 0
        await sending.to_account(run, user, AccountRequest(kind, ended=ended))


async def _touch(run: Run, step: int) -> None:
    """Send a request to one of the current interviews; a closed or long one gives its place to a new one."""
    # For a moment each of them may wait for the one that takes its place.
    interview_id = run.chance.choice(run.current or list(run.initial))
    response = await sending.to_interview(run, interview_id, request_to(run, interview_id, step))
    is_over = response.is_error and response.json()["code"] == "interview_closed"
    has_enough = len(run.observed[interview_id]) >= LONGEST or (is_over and run.chance.random() < 0.2)
    if has_enough and interview_id in run.current:
        run.current.remove(interview_id)
        await run.create(f"Title {step}", _some_people(run))


def request_to(run: Run, interview_id: str, step: int) -> Request:
    """Return a random request: half of them reads, most by whoever may send it."""
    chance = run.chance
    kind = chance.choice(_READS if chance.random() < 0.5 else _WRITES)
    user, target = chance.choice(list(run.users.values())), chance.choice(list(run.users))
    is_managing = ACTIONS[kind] in {"manage", "conduct"} and chance.random() < 0.6
    caller = run.root if is_managing else user
    values = {
        "entitle": f"Title {chance.randrange(3)}",
        "move": f"2027-03-0{chance.randrange(1, 9)}T09:30:00Z",
        "transition": chance.choice(("ongoing", "ongoing", "completed", "cancelled", "scheduled")),
        "add": chance.choice(("", "interviewer", "candidate")),
        "post": f"Message {step}",
        "answer": chance.choice(("accepted", "declined", "tentative")),
    }
    if kind == "transition" and chance.random() < 0.7:
        kind = "entitle"
    return Request(kind, caller.id, values.get(kind, ""), target, _version(run, interview_id, kind, caller))


def _version(run: Run, interview_id: str, kind: str, caller: User) -> int | None:
    if kind == "answer":
        return run.chance.randrange(3)
    if kind in {"entitle", "move"} and caller is run.root and run.chance.random() < 0.3:
        return max(rev for known, rev in run.etags if known == interview_id and rev is not None)
    return None


def _some_people(run: Run) -> list[str]:
    return run.chance.sample([one for one in run.users if one != run.root.id], 3)
