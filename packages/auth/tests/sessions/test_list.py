"""The list of one's own sessions, while they change."""

from datetime import timedelta

import httpx
from fastapi import FastAPI

from parley_auth.testing import an_account, log_in
from parley_core.testing import MovableClock

SESSIONS = "/v1/auth/sessions"


async def test_while_they_change(app: FastAPI, client: httpx.AsyncClient, clock: MovableClock) -> None:
    """A walk meets each session that stays once, while those that it has met end and others begin."""
    account = await an_account(app)
    for _ in range(5):
        await log_in(app.state.parley, account.user)
    page = (await client.get(f"{SESSIONS}?limit=2", headers=account.headers)).json()
    total, seen = page["total"], [item["id"] for item in page["items"]]
    clock.move(timedelta(milliseconds=1))
    while page["next"]:
        own = {item["id"] for item in page["items"] if item["current"]}
        for session_id in {*seen[-2:]} - own:
            await client.delete(f"{SESSIONS}/{session_id}", headers=account.headers)
        if len(seen) < total:
            await log_in(app.state.parley, account.user)
        page = (await client.get(page["next"], headers=account.headers)).json()
        seen += [item["id"] for item in page["items"]]
    assert len(seen) == len(set(seen)) >= total
    remaining = (await client.get(SESSIONS, headers=account.headers)).json()["items"]
    assert {item["id"] for item in remaining} <= set(seen)
