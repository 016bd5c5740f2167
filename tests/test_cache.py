"""Cached reads over HTTP: never stale, never another's, on every worker; the same answers with the cache off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request

from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import EventLog, Parley
from parley_core.caching.store import ReadCache
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import running_client
from parley_interviews.listing.repository import InterviewSearch
from parley_interviews.testing import create_interview

HIT, MISS, BYPASS = "parley; hit", "parley; fwd=miss", "parley; fwd=bypass"


@pytest.fixture
async def other(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A second worker on the same database."""
    async with running_client(create_app([core_settings, auth_settings()])) as client:
        yield client


@pytest.fixture
async def uncached(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A worker without a cache on the same database."""
    settings = core_settings.model_copy(update={"cache_enabled": False})
    async with running_client(create_app([settings, auth_settings()])) as client:
        yield client


@pytest.fixture
async def interview(client: httpx.AsyncClient, admin: Account, interviewer: Account, candidate: Account) -> str:
    """An interview with one message."""
    created = await create_interview(client, admin, interviewer, candidate)
    posted = await client.post(
        f"/v1/interviews/{created['id']}/messages", json={"content": "Hello"}, headers=candidate.headers
    )
    assert posted.status_code == 201
    return str(created["id"])


def reads_of(interview: str) -> list[str]:
    """One address of each cached route."""
    base = f"/v1/interviews/{interview}"
    return [base, "/v1/interviews?limit=5", f"{base}/messages?limit=5", f"{base}/participants?limit=5"]


def status_of(answer: httpx.Response) -> str:
    return str(answer.headers["Cache-Status"])


class TestAnswers:
    async def test_second_read_is_a_hit(
        self, client: httpx.AsyncClient, other: httpx.AsyncClient, interview: str, candidate: Account
    ) -> None:
        """A second identical read is a hit and equal byte for byte, with its headers; each worker keeps its own."""
        for address in reads_of(interview):
            first, second = [await client.get(address, headers=candidate.headers) for _ in range(2)]
            assert (status_of(first), status_of(second)) == (MISS, HIT), address
            assert first.content == second.content
            for name in ("etag", "content-type", "content-length", "cache-control", "vary", "link"):
                assert first.headers.get(name) == second.headers.get(name), name
            elsewhere = await other.get(address, headers=candidate.headers)
            assert (status_of(elsewhere), elsewhere.content) == (MISS, first.content)
            assert elsewhere.headers["ETag"] == first.headers["ETag"]

    async def test_how_others_may_keep_it(self, client: httpx.AsyncClient, interview: str, candidate: Account) -> None:
        """Browsers may keep an answer for its reader alone, and ask before they use it."""
        for address in reads_of(interview):
            for _ in range(2):
                answer = await client.get(address, headers=candidate.headers)
                assert answer.headers["Cache-Control"] == "private, no-cache"
                assert answer.headers["Vary"] == "Authorization"
                assert answer.headers["X-Request-ID"]

    async def test_off_gives_the_same(
        self, client: httpx.AsyncClient, uncached: httpx.AsyncClient, interview: str, candidate: Account, admin: Account
    ) -> None:
        """Without the cache every answer is the same, refusals included, and says that nothing was kept."""
        more = ["/v1/interviews?limit=0", "/v1/interviews?nonsense=1", f"/v1/interviews/{interview}?x=1"]
        for address in reads_of(interview) + more:
            for caller in (candidate, admin):
                _, kept = [await client.get(address, headers=caller.headers) for _ in range(2)]
                plain = await uncached.get(address, headers=caller.headers)
                assert plain.status_code == kept.status_code, address
                if plain.status_code == 200:
                    assert (status_of(plain), plain.content) == (BYPASS, kept.content)
                    assert plain.headers["ETag"] == kept.headers["ETag"]
                else:
                    assert plain.json()["code"] == kept.json()["code"]
                    assert "Cache-Status" not in kept.headers

    @pytest.mark.parametrize("shown_to", ["admins", "off"])
    async def test_status_by_setting(self, core_settings: CoreSettings, shown_to: str) -> None:
        """Who isn't to know what others have read doesn't see whether an answer was kept; it is kept all the same."""
        app = create_app([core_settings.model_copy(update={"cache_status": shown_to}), auth_settings()])
        async with running_client(app) as client:
            admin, interviewer, candidate = [await an_account(app, r) for r in ("admin", "interviewer", "candidate")]
            created = await create_interview(client, admin, interviewer, candidate)
            cache = app.state.parley.require(ReadCache)
            for address in reads_of(created["id"]):
                answers = [await client.get(address, headers=a.headers) for a in (interviewer, candidate, candidate)]
                assert all("Cache-Status" not in answer.headers for answer in answers)
                assert len({answer.headers["ETag"] for answer in answers[1:]}) == 1
            assert cache.hits >= 4 or not cache.enabled
            seen = [await client.get("/v1/interviews", headers=admin.headers) for _ in range(2)]
            shown = [HIT] if shown_to == "admins" and cache.enabled else []
            assert [seen[1].headers[name] for name in ("Cache-Status",) if name in seen[1].headers] == shown

    async def test_empty_lists_are_kept(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """The empty list of a newcomer is a hit the second time."""
        newcomer = await an_account(app, "candidate")
        answers = [await client.get("/v1/interviews", headers=newcomer.headers) for _ in range(2)]
        assert [a.json()["items"] for a in answers] == [[], []]
        assert status_of(answers[1]) == HIT

    async def test_errors_are_not_kept(
        self, app: FastAPI, client: httpx.AsyncClient, interview: str, candidate: Account
    ) -> None:
        """A refusal leaves nothing behind, and bears the id of its own request."""
        for _ in range(3):
            refused = await asyncio.gather(
                *(client.get("/v1/interviews?limit=0", headers=candidate.headers) for _ in range(5))
            )
            assert {a.status_code for a in refused} == {400}
            assert all(a.json()["request_id"] == a.headers["X-Request-ID"] for a in refused)
            assert len({a.headers["X-Request-ID"] for a in refused}) == 5
        assert len(app.state.parley.require(ReadCache)) == 0


class TestConditional:
    async def test_known_answer(self, client: httpx.AsyncClient, interview: str, candidate: Account) -> None:
        """Whoever knows the present answer gets 304 without a body, however the tag is listed."""
        for address in reads_of(interview):
            etag = (await client.get(address, headers=candidate.headers)).headers["ETag"]
            for known in (etag, f'"other", W/{etag}', "*"):
                answer = await client.get(address, headers={**candidate.headers, "If-None-Match": known})
                assert (answer.status_code, answer.content) == (304, b"")
                assert answer.headers["ETag"] == etag
                assert answer.headers["Cache-Control"] == "private, no-cache"
            other = await client.get(address, headers={**candidate.headers, "If-None-Match": '"other"'})
            assert other.status_code == 200

    async def test_changed_answer(
        self, client: httpx.AsyncClient, interview: str, candidate: Account, admin: Account
    ) -> None:
        """After a write the old tag gets the new answer."""
        reads = detail, _, messages, _ = reads_of(interview)
        tags = {a: (await client.get(a, headers=candidate.headers)).headers["ETag"] for a in reads}
        await client.patch(detail, json={"title": "Another"}, headers=admin.headers)
        await client.patch("/v1/users/me", json={"name": "Augusta"}, headers=candidate.headers)
        await client.post(messages.partition("?")[0], json={"content": "More"}, headers=candidate.headers)
        for address, etag in tags.items():
            answer = await client.get(address, headers={**candidate.headers, "If-None-Match": etag})
            assert (answer.status_code, answer.headers["ETag"] != etag) == (200, True), address

    async def test_access_comes_first(
        self, app: FastAPI, client: httpx.AsyncClient, interview: str, candidate: Account
    ) -> None:
        """A stranger who names the present tag gets 403, an anonymous caller 401."""
        stranger = await an_account(app, "interviewer")
        for address in (reads_of(interview)[number] for number in (0, 2, 3)):
            etag = (await client.get(address, headers=candidate.headers)).headers["ETag"]
            for known in (etag, "*"):
                refused = await client.get(address, headers={**stranger.headers, "If-None-Match": known})
                assert (refused.status_code, refused.json()["code"]) == (403, "not_a_participant")
                assert (await client.get(address, headers={"If-None-Match": known})).status_code == 401


class TestViewers:
    async def test_own_bodies(
        self, client: httpx.AsyncClient, interview: str, admin: Account, interviewer: Account, candidate: Account
    ) -> None:
        """Each viewer sees their own transitions, whoever warmed the cache, in detail and list."""
        expected = {admin.id: ["ongoing", "cancelled"], interviewer.id: ["ongoing"], candidate.id: []}
        for _ in range(2):
            for viewer in (admin, candidate, interviewer):
                detail = await client.get(f"/v1/interviews/{interview}", headers=viewer.headers)
                listing = await client.get("/v1/interviews", headers=viewer.headers)
                assert detail.json()["allowed_transitions"] == expected[viewer.id]
                assert listing.json()["items"][0]["allowed_transitions"] == expected[viewer.id]

    async def test_no_parameters_collide(
        self, client: httpx.AsyncClient, uncached: httpx.AsyncClient, admin: Account, interview: str
    ) -> None:
        """Queries that differ in anything get what they asked for, warm as cold."""
        await create_interview(client, admin, title="B second", interview_type="hr")
        await create_interview(client, admin, title="A third", interview_type="technical")
        queries = ["", "?limit=1", "?offset=1", "?limit=1&offset=1", "?limit=11", "?offset=11", "?sort=title"]
        queries += ["?sort=-title", "?interview_type=hr", "?interview_type=hr&interview_type=technical", "?q=second"]
        queries += ["?interview_type=technical&interview_type=hr", "?q=a&limit=1", "?limit=1&q=a", "?status=scheduled"]
        for _ in range(2):
            for query in queries:
                kept = await client.get(f"/v1/interviews{query}", headers=admin.headers)
                plain = await uncached.get(f"/v1/interviews{query}", headers=admin.headers)
                assert (kept.status_code, kept.content) == (200, plain.content), query

    async def test_own_role_change(
        self, app: FastAPI, client: httpx.AsyncClient, interview: str, admin: Account, interviewer: Account
    ) -> None:
        """A changed role counts at once: no former administrator keeps the whole list."""
        boss = await an_account(app, "admin")
        for role, total in (("admin", 1), ("interviewer", 0), ("admin", 1)):
            changed = await client.patch(f"/v1/users/{boss.id}", json={"role": role}, headers=admin.headers)
            assert changed.status_code == 200, changed.text
            for _ in range(2):
                assert (await client.get("/v1/interviews", headers=boss.headers)).json()["total"] == total

    async def test_removed_and_added(
        self, client: httpx.AsyncClient, other: httpx.AsyncClient, interview: str, admin: Account, candidate: Account
    ) -> None:
        """A removed participant gets 403 on both workers although both have the body, an added one 200."""
        reads = detail, listing, messages, participants = reads_of(interview)
        for worker in (client, other):
            for address in reads:
                assert (await worker.get(address, headers=candidate.headers)).status_code == 200
        await client.delete(f"{detail}/participants/{candidate.id}", headers=admin.headers)
        for worker in (client, other):
            assert (await worker.get(detail, headers=candidate.headers)).status_code == 403
            assert (await worker.get(messages, headers=candidate.headers)).status_code == 403
            assert (await worker.get(participants, headers=candidate.headers)).status_code == 403
            assert (await worker.get(listing, headers=candidate.headers)).json()["total"] == 0
        await other.post(f"{detail}/participants", json={"user_id": candidate.id}, headers=admin.headers)
        for worker in (client, other):
            assert (await worker.get(messages, headers=candidate.headers)).status_code == 200
            assert (await worker.get(listing, headers=candidate.headers)).json()["total"] == 1


class TestMessages:
    async def test_pages_below_the_head(self, client: httpx.AsyncClient, interview: str, candidate: Account) -> None:
        """A page whose window ends below the head stays a hit while others post; an open one is made anew."""
        base = f"/v1/interviews/{interview}/messages"
        for n in range(5):
            await client.post(base, json={"content": f"{n}"}, headers=candidate.headers)
        closed, open_ = f"{base}?limit=2&before_seq=4", f"{base}?limit=2"
        before = {a: await client.get(a, headers=candidate.headers) for a in (closed, open_)}
        await client.post(base, json={"content": "new"}, headers=candidate.headers)
        after = {a: await client.get(a, headers=candidate.headers) for a in (closed, open_)}
        assert status_of(after[closed]) == HIT
        assert after[closed].content == before[closed].content
        assert status_of(after[open_]) == MISS
        assert after[open_].json()["total"] == before[open_].json()["total"] + 1

    async def test_window_above_the_head(self, client: httpx.AsyncClient, interview: str, candidate: Account) -> None:
        """A window that reaches beyond the head grows with the log."""
        base = f"/v1/interviews/{interview}/messages"
        for expected in (1, 2, 3, 3):
            page = await client.get(f"{base}?before_seq=4", headers=candidate.headers)
            assert page.json()["total"] == expected
            await client.post(base, json={"content": "more"}, headers=candidate.headers)


def writes(client: httpx.AsyncClient, admin: Account, interview: str) -> list[Callable[[], Awaitable[httpx.Response]]]:
    """One of each write that changes what lists or details show."""
    address = f"/v1/interviews/{interview}"
    return [
        lambda: client.patch(address, json={"title": "Renamed"}, headers=admin.headers),
        lambda: client.patch(address, json={"scheduled_at": "2027-05-01T10:00:00Z"}, headers=admin.headers),
        lambda: client.patch(f"{address}/status", json={"status": "ongoing"}, headers=admin.headers),
        lambda: client.patch(f"{address}/status", json={"status": "completed"}, headers=admin.headers),
    ]


async def test_next_read_shows_the_write(
    *,
    client: httpx.AsyncClient,
    other: httpx.AsyncClient,
    uncached: httpx.AsyncClient,
    interview: str,
    admin: Account,
    candidate: Account,
) -> None:
    """After each accepted write the next read by anybody through any worker is what an uncached read answers."""
    addresses = reads_of(interview)[:2]
    for write in writes(client, admin, interview):
        for worker in (client, other):
            for address in addresses:
                await worker.get(address, headers=candidate.headers)
        assert (await write()).status_code == 200
        for address in addresses:
            for viewer in (admin, candidate):
                truth = await uncached.get(address, headers=viewer.headers)
                for worker in (client, other):
                    assert (await worker.get(address, headers=viewer.headers)).content == truth.content


async def test_the_relay_leaves_it_valid(
    *,
    app: FastAPI,
    client: httpx.AsyncClient,
    other: httpx.AsyncClient,
    interview: str,
    admin: Account,
    candidate: Account,
) -> None:
    """A list that is kept after a write stays a hit while the relays of all workers bring the event into the log."""
    log, list_address = app.state.parley.require(EventLog), reads_of(interview)[1]
    for write in writes(client, admin, interview):
        await app.state.parley.require(Relay).drain()
        head = await log.head()
        assert (await write()).status_code == 200
        for worker in (client, other):
            assert status_of(await worker.get(list_address, headers=candidate.headers)) == MISS
        assert await log.wait_beyond(head, seconds=10) == head + 1
        await app.state.parley.require(Relay).drain()
        for worker in (client, other):
            assert status_of(await worker.get(list_address, headers=candidate.headers)) == HIT


class PausedQuery:
    """Keeps back the answer of a query that the list has sent already, until it is released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:

        self.sent, self.released = asyncio.Event(), asyncio.Event()
        plain = InterviewSearch.page

        async def paused(search: InterviewSearch, *arguments: Any, **options: Any) -> Any:
            found = await plain(search, *arguments, **options)
            self.sent.set()
            await self.released.wait()
            return found

        monkeypatch.setattr(InterviewSearch, "page", paused)


async def test_read_that_began_before_the_write(
    monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, interview: str, admin: Account, candidate: Account
) -> None:
    """A read that began before a write, and ends after it, can't put the old value back."""
    paused = PausedQuery(monkeypatch)
    slow = asyncio.create_task(client.get("/v1/interviews", headers=candidate.headers))
    await paused.sent.wait()
    await client.patch(f"/v1/interviews/{interview}", json={"title": "Newer"}, headers=admin.headers)
    paused.released.set()
    assert (await slow).json()["items"][0]["title"] != "Newer"
    for _ in range(2):
        current = await client.get("/v1/interviews", headers=candidate.headers)
        assert current.json()["items"][0]["title"] == "Newer"


@pytest.mark.usefixtures("interview")
async def test_one_load_for_all(monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, candidate: Account) -> None:
    """A thousand concurrent misses of one key make one query, and all get its answer."""
    queries, plain = 0, InterviewSearch.page

    async def counted(search: InterviewSearch, *arguments: Any, **options: Any) -> Any:
        nonlocal queries
        queries += 1
        return await plain(search, *arguments, **options)

    monkeypatch.setattr(InterviewSearch, "page", counted)
    answers = await asyncio.gather(*(client.get("/v1/interviews", headers=candidate.headers) for _ in range(1000)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert queries == 1


@pytest.mark.usefixtures("interview")
async def test_leaving_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, candidate: Account
) -> None:
    """When the first of several who wait for one load is cancelled, the others get their answers from it."""
    paused = PausedQuery(monkeypatch)
    first, *others = [asyncio.create_task(client.get("/v1/interviews", headers=candidate.headers)) for _ in range(4)]
    await paused.sent.wait()
    first.cancel()
    paused.released.set()
    answers = await asyncio.gather(*others)
    assert {a.status_code for a in answers} == {200}


@pytest.mark.usefixtures("client", "interview")
async def test_hosts_own_dependencies(core_settings: CoreSettings, candidate: Account) -> None:
    """A dependency that the host lays over all routes is asked on every read, so nothing comes from the cache."""

    async def need_key(request: Request) -> None:
        if request.headers.get("X-Key") != "host":
            raise HTTPException(418)

    parley = Parley([core_settings, auth_settings()])
    host = FastAPI(lifespan=parley.lifespan, dependencies=[Depends(need_key)])
    parley.mount(host)
    async with running_client(host) as hosted:
        for _ in range(2):
            let_in = await hosted.get("/v1/interviews", headers={**candidate.headers, "X-Key": "host"})
            assert (let_in.status_code, status_of(let_in)) == (200, BYPASS)
        assert (await hosted.get("/v1/interviews", headers=candidate.headers)).status_code == 418
