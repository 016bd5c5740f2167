"""Filling a new database over the API."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from parley_app.demo.api import Api
from parley_app.demo.month import DemoInterview, month_around
from parley_app.demo.people import ADMIN, EVERYBODY, Person
from parley_core import StartupError

_NEEDED = ("/users", "/interviews", "/interviews/{interview_id}/messages")
_AT_ONCE = 8
_RSVP = "/interviews/{interview_id}/rsvp"
_STEPS = {"scheduled": (), "ongoing": ("ongoing",), "completed": ("ongoing", "completed"), "cancelled": ("cancelled",)}


async def fill(api: Api, *, password: str, now: datetime) -> int:
    """Create everybody and every interview of the month; return how many interviews there are.

    Args:
        api: of an application with the account of `ADMIN` and no other.
        password: everybody's, the administrator's too.
        now: around which the month is.

    Raises:
        StartupError: a plugin is missing, or something was refused.
    """
    if missing := [path for path in _NEEDED if not api.has(path)]:
        raise StartupError(f"the demo needs /v1{missing[0]}: PARLEY_PLUGINS must have auth, interviews and messaging")
    await api.log_in(ADMIN.email, password)
    for person in EVERYBODY:
        await _join(api, person, password)
    # One after the other, so that they are always in the same order.
    month = [(wanted, await _created(api, wanted)) for wanted in month_around(now)]
    turns = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_carry_out(api, wanted, created, turns) for wanted, created in month))
    return len(month)


async def _join(api: Api, person: Person, password: str) -> None:
    if person is ADMIN:
        await api.call("PATCH", "/users/me", {"name": person.name}, by=ADMIN.email)
        return
    account = {"email": person.email, "name": person.name, "role": person.role}
    with_password = {"password": password} if person.has_joined else {}
    await api.call("POST", "/users", {**account, **with_password}, by=ADMIN.email)
    if person.has_joined:
        await api.log_in(person.email, password)


async def _created(api: Api, wanted: DemoInterview) -> Any:
    body = {
        "title": wanted.title,
        "interview_type": wanted.stage.kind,
        "scheduled_at": (wanted.moved_from or wanted.starts_at).isoformat(),
        "duration_minutes": wanted.stage.minutes,
        "time_zone": wanted.time_zone,
        "location": wanted.stage.location,
        "notes": wanted.stage.notes,
        # Some overlap, whatever PARLEY_ON_CONFLICT says.
        "on_conflict": "allow",
        "participants": [{"user_email": person.email} for person in wanted.people],
    }
    return await api.call("POST", "/interviews", body, by=ADMIN.email)


async def _carry_out(api: Api, wanted: DemoInterview, created: Any, turns: asyncio.Semaphore) -> None:
    """Let everything happen that happens to an interview."""
    place, host = f"/interviews/{created['id']}", wanted.people[0]
    async with turns:
        if wanted.moved_from:
            change = {"scheduled_at": wanted.starts_at.isoformat(), "reason": f"{host.first_name} was ill"}
            created = await api.call("PATCH", place, change, by=ADMIN.email)
        if api.has(_RSVP):
            await _answer(api, place, wanted.people, created["schedule_version"])
        for author, content in wanted.messages:
            await api.call("POST", f"{place}/messages", {"content": content}, by=author.email)
        for status in _STEPS[wanted.status]:
            by = ADMIN if status == "cancelled" else host
            await api.call("PATCH", f"{place}/status", {"status": status}, by=by.email)


async def _answer(api: Api, place: str, people: Sequence[Person], schedule_version: int) -> None:
    """Let everybody who has joined say whether they are coming."""
    for number, person in enumerate(people):
        answer = "tentative" if number == 1 and person.role == "interviewer" else "accepted"
        if person.has_joined:
            body = {"answer": answer, "schedule_version": schedule_version}
            await api.call("PUT", f"{place}/rsvp", body, by=person.email)
