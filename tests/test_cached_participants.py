"""Cached pages of participants on three workers: what they show of accounts is never stale, and never another's."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_app import create_app
from parley_auth import events as auth_events
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import running_client
from parley_interviews import caching
from parley_interviews.testing import address_of, create_interview

HIT, MISS = "parley; hit", "parley; fwd=miss"
WORKERS = 3
# Of these the pages show nothing: who is new takes part in nothing yet, and nobody sees passwords, links and sessions.
HARMLESS = {
    "user.registered",
    "user.created",
    "user.invited",
    "user.key_created",
    "user.key_revoked",
    "user.link_created",
    "user.password_changed",
    "user.sessions_ended",
}
Workers = Sequence[httpx.AsyncClient]


@pytest.fixture
async def workers(app: FastAPI, core_settings: CoreSettings) -> AsyncIterator[Workers]:
    """Three workers on one database; `app` is the first of them."""
    others = [create_app([core_settings, auth_settings()]) for _ in range(WORKERS - 1)]
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running_client(one)) for one in (app, *others)]


@pytest.fixture
def client(workers: Workers) -> httpx.AsyncClient:
    """The first worker, which the accounts of this module need to be running."""
    return workers[0]


@pytest.fixture
async def pages(client: httpx.AsyncClient, admin: Account, interviewer: Account, candidate: Account) -> list[str]:
    """The pages of an interview with two people; of those who have left one is listed."""
    interview = await create_interview(client, admin, interviewer, candidate)
    base = f"{address_of(interview)}/participants"
    return [base, f"{base}?former=true", f"{base}?limit=1&offset=1"]


def status_of(answer: httpx.Response) -> str:
    return str(answer.headers["Cache-Status"])


async def warm(workers: Workers, pages: Sequence[str], viewers: Sequence[Account]) -> None:
    """Read every page twice with every viewer through every worker: the second time each comes from the cache."""
    for worker, page, viewer in itertools.product(workers, pages, viewers):
        await worker.get(page, headers=viewer.headers)
        assert status_of(await worker.get(page, headers=viewer.headers)) == HIT


async def shown(worker: httpx.AsyncClient, page: str, viewer: Account, user_id: str) -> dict[str, Any]:
    """Return how a page shows somebody."""
    items = (await worker.get(page, headers=viewer.headers)).json()["items"]
    return next(item for item in items if item["user_id"] == user_id)


@pytest.mark.attack
async def test_a_changed_account(
    workers: Workers, pages: list[str], admin: Account, interviewer: Account, candidate: Account
) -> None:
    """A name, e-mail or activity that was changed through one worker shows at once in every page on every worker.

    Each page comes from the cache right before the change, so that without a rule it would show the old value.
    """
    viewers, turns = (admin, interviewer), itertools.cycle(workers)
    for turn in range(rounds(4, full=200)):
        await warm(workers, pages, viewers)
        changes: list[dict[str, Any]] = [
            {"name": f"Ada {turn}"},
            {"active": False},
            {"email": f"ada-{turn}@example.com"},
            {"active": True, "name": f"Augusta {turn}"},
        ]
        change = changes[turn % len(changes)]
        changed = await next(turns).patch(f"/v1/users/{candidate.id}", json=change, headers=admin.headers)
        assert changed.status_code == 200, changed.text
        for worker, page, viewer in itertools.product(workers, pages, viewers):
            item = await shown(worker, page, viewer, candidate.id)
            assert {name: item[name] for name in change} == change


async def test_without_the_rule(monkeypatch: pytest.MonkeyPatch, core_settings: CoreSettings) -> None:
    """The control of the test above: where the rules on accounts are missing, the old name is shown."""
    mine = [rule for rule in caching.INVALIDATIONS if not rule.on.startswith("user.")]
    assert len(mine) < len(caching.INVALIDATIONS)
    monkeypatch.setattr(caching, "INVALIDATIONS", mine)
    app = create_app([core_settings, auth_settings()])
    # Alone on its database: the relay of a worker that has the rules would invalidate for it.
    async with running_client(app) as worker:
        admin, candidate = await an_account(app, "admin"), await an_account(app, "candidate")
        page = f"{address_of(await create_interview(worker, admin, candidate))}/participants"
        await warm([worker], [page], [admin])
        body, before = {"name": "Augusta"}, await shown(worker, page, admin, candidate.id)
        assert (await worker.patch(f"/v1/users/{candidate.id}", json=body, headers=admin.headers)).status_code == 200
        assert await shown(worker, page, admin, candidate.id) == before
        assert (await shown(worker, f"{page}?limit=9", admin, candidate.id))["name"] == "Augusta"


async def test_the_owners_changes(workers: Workers, pages: list[str], interviewer: Account, candidate: Account) -> None:
    """Whoever renames themselves sees it in their own page, and others in theirs."""
    viewers = [interviewer, candidate]
    for name in ("Augusta", "Ada"):
        await warm(workers, pages, viewers)
        renamed = await workers[1].patch("/v1/users/me", json={"name": name}, headers=candidate.headers)
        assert renamed.status_code == 200
        for worker, page, viewer in itertools.product(workers, pages, viewers):
            assert (await shown(worker, page, viewer, candidate.id))["name"] == name


async def test_an_accepted_invitation(workers: Workers, pages: list[str], admin: Account, interviewer: Account) -> None:
    """The name that somebody brings when they accept an invitation shows at once, and so does one of a reset."""
    invited = await workers[0].post(
        pages[0], json={"user_email": "new@example.com", "invite": True}, headers=admin.headers
    )
    user_id = invited.json()["user_id"]
    for purpose, name in (("invitation", "Grace"), ("reset", "Grace Hopper")):
        await warm(workers, pages[:2], [admin, interviewer])
        link = await workers[1].post(f"/v1/users/{user_id}/link", json={"purpose": purpose}, headers=admin.headers)
        body = {"token": link.json()["token"], "password": PASSWORD, "name": name}
        assert (await workers[2].post("/v1/auth/accept", json=body)).status_code == 200
        for worker, page in itertools.product(workers, pages[:2]):
            assert (await shown(worker, page, interviewer, user_id))["name"] == name


async def test_who_comes_and_goes(
    app: FastAPI, workers: Workers, pages: list[str], admin: Account, interviewer: Account
) -> None:
    """Whoever is added or removed through one worker is so in every page on every worker."""
    other = await an_account(app)
    for _ in range(3):
        await warm(workers, pages, [admin, interviewer])
        added = await workers[1].post(pages[0], json={"user_id": other.id}, headers=admin.headers)
        assert added.status_code == 201
        for worker, page in itertools.product(workers, pages[:2]):
            assert (await shown(worker, page, interviewer, other.id))["removed_at"] is None
        await warm(workers, pages, [admin, interviewer])
        assert (await workers[2].delete(f"{pages[0]}/{other.id}", headers=admin.headers)).status_code == 204
        for worker in workers:
            assert (await shown(worker, pages[1], interviewer, other.id))["removed_at"] is not None
            present = (await worker.get(pages[0], headers=interviewer.headers)).json()
            assert other.id not in [item["user_id"] for item in present["items"]]


async def test_a_stranger_never_gets_a_hit(
    app: FastAPI,
    workers: Workers,
    *,
    pages: list[str],
    admin: Account,
    interviewer: Account,
    candidate: Account,
) -> None:
    """However warm the cache is, strangers, former participants and the anonymous are refused, 304 included."""
    strangers = [await an_account(app, role) for role in ("interviewer", "candidate")]
    await warm(workers, pages, [admin, interviewer, candidate])
    etags = [(await workers[0].get(page, headers=candidate.headers)).headers["ETag"] for page in pages]
    for worker, (page, etag), stranger in itertools.product(workers, zip(pages, etags, strict=True), strangers):
        for headers in (stranger.headers, {**stranger.headers, "If-None-Match": etag}):
            refused = await worker.get(page, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_a_participant")
            assert "Cache-Status" not in refused.headers
        assert (await worker.get(page, headers={"If-None-Match": etag})).status_code == 401
    await workers[0].delete(f"{pages[0]}/{candidate.id}", headers=admin.headers)
    for worker, page in itertools.product(workers, pages):
        assert (await worker.get(page, headers=candidate.headers)).status_code == 403


class TestViewers:
    async def test_own_bodies(
        self,
        app: FastAPI,
        workers: Workers,
        *,
        pages: list[str],
        admin: Account,
        interviewer: Account,
        candidate: Account,
    ) -> None:
        """Each candidate has pages of their own, with their own e-mail; those who see everything share theirs."""
        other = await an_account(app)
        await workers[0].post(pages[0], json={"user_id": other.id}, headers=admin.headers)
        emails = {a.id: a.user.email for a in (interviewer, candidate, other)}
        for _, viewer in itertools.product(range(2), (admin, candidate, interviewer, other)):
            for worker in workers:
                page = (await worker.get(pages[0], headers=viewer.headers)).json()
                seen = {item["user_id"]: item["email"] for item in page["items"]}
                sees_all = viewer in (admin, interviewer)
                expected = {u: email if sees_all or u == viewer.id else None for u, email in emails.items()}
                assert seen == expected

    async def test_who_shares(
        self, workers: Workers, pages: list[str], admin: Account, interviewer: Account, candidate: Account
    ) -> None:
        """What an administrator has read is a hit for an interviewer of the interview, and for no candidate."""
        page = pages[0]
        expected = [(admin, MISS), (interviewer, HIT), (candidate, MISS), (candidate, HIT)]
        for viewer, status in expected:
            assert status_of(await workers[0].get(page, headers=viewer.headers)) == status

    async def test_a_changed_viewer(
        self, workers: Workers, pages: list[str], admin: Account, interviewer: Account, candidate: Account
    ) -> None:
        """Whoever may no longer see others' e-mails gets another page at once, and the old one with the right."""
        await warm(workers, pages, [admin, interviewer])
        for role, email in (("candidate", None), ("interviewer", candidate.user.email)):
            change = {"role": role}
            await workers[0].patch(f"/v1/users/{interviewer.id}", json=change, headers=admin.headers)
            for worker, page in itertools.product(workers, pages):
                assert (await shown(worker, page, interviewer, candidate.id))["email"] == email

    async def test_each_interview_its_own(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, interviewer: Account
    ) -> None:
        """An employee who is the candidate of one interview and interviews in another sees each by their part in it."""
        other = await an_account(app)
        for role, sees in (("candidate", False), ("interviewer", True), ("candidate", False)):
            interview = await create_interview(client, admin, other)
            page, body = f"{address_of(interview)}/participants", {"user_id": interviewer.id, "participant_role": role}
            assert (await client.post(page, json=body, headers=admin.headers)).status_code == 201
            for _ in range(2):
                assert ((await shown(client, page, interviewer, other.id))["email"] is not None) is sees


async def test_nothing_changed(app: FastAPI, workers: Workers, pages: list[str], admin: Account) -> None:
    """Pages stay hits while nothing that they show changes, the relay's work included."""
    await app.state.parley.require(Relay).drain()
    await warm(workers, pages, [admin])
    for worker, page in itertools.product(workers, pages):
        assert status_of(await worker.get(page, headers=admin.headers)) == HIT


async def test_concurrent_readers(workers: Workers, pages: list[str], admin: Account, candidate: Account) -> None:
    """A reader who begins after a renaming was answered never sees the older name, however many read meanwhile."""
    done = 0

    async def reads(worker: httpx.AsyncClient, page: str) -> None:
        while not renaming.done():
            least = done
            number = int((await shown(worker, page, admin, candidate.id))["name"].partition(" ")[2])
            assert number >= least

    async def renames() -> None:
        nonlocal done
        for number in range(1, rounds(6, full=100) + 1):
            body = {"name": f"Ada {number}"}
            answer = await workers[number % WORKERS].patch(
                f"/v1/users/{candidate.id}", json=body, headers=admin.headers
            )
            assert answer.status_code == 200
            done = number

    await workers[0].patch(f"/v1/users/{candidate.id}", json={"name": "Ada 0"}, headers=admin.headers)
    renaming = asyncio.create_task(renames())
    async with asyncio.TaskGroup() as tasks:
        for worker, page in itertools.product(workers, pages[:2]):
            tasks.create_task(reads(worker, page))
    await renaming


def test_every_event_of_accounts() -> None:
    """Each type of event of accounts has a rule, or is known to change nothing that the pages show."""
    ruled = {rule.on for rule in caching.INVALIDATIONS if rule.on.startswith("user.")}
    assert {event.name for event in auth_events.EVENTS} == ruled | HARMLESS
    assert not ruled & HARMLESS
