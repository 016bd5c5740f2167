"""Ratings with the real interviews, over HTTP, against the embedded MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
import parley_interviews.plugin
import parley_ratings.plugin
from parley_app import create_app
from parley_auth import PolicyTable, ScopedAccess
from parley_auth.authorization.registry import ScopeRegistry
from parley_auth.errors import NotAParticipant
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Parley, Router, StartupError, new_id
from parley_core.data.invalidation import Generations
from parley_core.kernel.settings import CoreSettings, PluginSettings
from parley_core.testing import MovableClock, a_plugin, an_application, logged, running_client, walk
from parley_interviews.testing import bring_to, create_interview
from parley_ratings.caching import list_of
from parley_ratings.errors import InterviewNotCompleted
from parley_ratings.schemas import RatingCreate
from parley_ratings.service import RatingService

RATING = {"rating": 3, "notes": "Knows caches."}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A running application and an interview that two interviewers and a candidate take part in."""

    app: FastAPI
    client: httpx.AsyncClient
    admin: Account
    interviewer: Account
    second: Account
    candidate: Account
    interview_id: str

    @property
    def address(self) -> str:
        return f"/v1/interviews/{self.interview_id}/ratings"

    async def reaches(self, status: str) -> None:
        """Bring the interview to a status."""
        await bring_to(self.client, self.admin, self.interview_id, status)

    async def submit(self, author: Account, rating: object = RATING) -> httpx.Response:
        """Submit a rating."""
        return await self.client.post(self.address, json=rating, headers=author.headers)

    async def read(self) -> list[dict[str, Any]]:
        """Return the ratings as the administrator sees them."""
        answer = await self.client.get(self.address, headers=self.admin.headers)
        return list(answer.json()["items"])

    async def headers_of(self, caller: str) -> dict[str, str]:
        """Return the headers of a participant, of an account outside of the interview, or of nobody."""
        known = {"admin": self.admin, "interviewer": self.interviewer, "candidate": self.candidate}
        if caller == "anonymous":
            return {}
        account = known.get(caller) or await an_account(self.app, caller.removeprefix("strange "))
        return account.headers


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def app(core_settings: CoreSettings, clock: MovableClock) -> FastAPI:
    plugins = [parley_auth.plugin, parley_interviews.plugin, parley_ratings.plugin]
    return an_application([core_settings, auth_settings()], plugins, clock=clock)


@pytest.fixture
async def stage(app: FastAPI) -> AsyncIterator[Stage]:
    async with running_client(app) as client:
        admin, candidate = await an_account(app, "admin"), await an_account(app, "candidate")
        interviewer, second = [await an_account(app, "interviewer") for _ in range(2)]
        interview = await create_interview(client, admin, interviewer, second, candidate)
        yield Stage(
            app=app,
            client=client,
            admin=admin,
            interviewer=interviewer,
            second=second,
            candidate=candidate,
            interview_id=interview["id"],
        )


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, answer.json().get("code")


NOBODY, DENIED, STRANGER = (401, "authentication_required"), (403, "permission_denied"), (403, "not_a_participant")


class TestAccess:
    @pytest.mark.parametrize(
        ("caller", "reading", "writing"),
        [
            ("anonymous", NOBODY, NOBODY),
            ("admin", (200, None), STRANGER),
            ("interviewer", (200, None), (201, None)),
            ("strange interviewer", STRANGER, STRANGER),
            ("candidate", DENIED, DENIED),
            ("strange candidate", STRANGER, STRANGER),
        ],
    )
    async def test_who_may(
        self, stage: Stage, caller: str, reading: tuple[int, str | None], writing: tuple[int, str | None]
    ) -> None:
        """Each caller reads and writes as the table says, and nothing is stored for those who may not."""
        await stage.reaches("completed")
        headers = await stage.headers_of(caller)
        assert outcome(await stage.client.get(stage.address, headers=headers)) == reading
        assert outcome(await stage.client.post(stage.address, json=RATING, headers=headers)) == writing
        assert len(await stage.read()) == (1 if writing[0] == 201 else 0)

    @pytest.mark.parametrize("role", ["interviewer", "admin"])
    async def test_hired_candidate(self, stage: Stage, role: str) -> None:
        """Whoever was an interview's candidate never reads or writes its ratings, whatever their account has become."""
        await stage.reaches("completed")
        assert (await stage.submit(stage.interviewer)).status_code == 201
        address, hired = f"/v1/users/{stage.candidate.id}", stage.candidate.headers
        changed = await stage.client.patch(address, json={"role": role}, headers=stage.admin.headers)
        assert changed.json()["role"] == role
        assert outcome(await stage.client.get(stage.address, headers=hired)) == DENIED
        assert outcome(await stage.client.post(stage.address, json=RATING, headers=hired)) == DENIED
        assert len(await stage.read()) == 1

    @pytest.mark.parametrize("status", ["scheduled", "ongoing", "cancelled"])
    async def test_before_completion(self, stage: Stage, status: str) -> None:
        """In any other state writing is 400 `interview_not_completed`, and reading shows an empty list."""
        await stage.reaches(status)
        assert outcome(await stage.submit(stage.interviewer)) == (400, "interview_not_completed")
        assert await stage.read() == []


class TestSubmitting:
    async def test_answer_and_list_agree(self, stage: Stage) -> None:
        """The answer shows what was sent, and the list shows the same."""
        await stage.reaches("completed")
        submitted = (await stage.submit(stage.interviewer)).json()
        assert submitted == {
            **submitted,
            **RATING,
            "author_id": stage.interviewer.id,
            "interview_id": stage.interview_id,
        }
        assert await stage.read() == [submitted]

    async def test_one_of_each(self, stage: Stage) -> None:
        """Of 20 concurrent ratings of one interviewer one is stored and 19 are 400; a colleague submits another."""
        await stage.reaches("completed")
        answers = await asyncio.gather(*(stage.submit(stage.interviewer) for _ in range(20)))
        refused = [outcome(answer) for answer in answers if answer.status_code != 201]
        assert refused == [(400, "duplicate_rating")] * 19
        assert (await stage.submit(stage.second)).status_code == 201
        assert len(await stage.read()) == 2

    @pytest.mark.parametrize(
        "rating",
        [{}, {"rating": 0}, {"rating": 5}, {"rating": True}, {"rating": "3"}, {**RATING, "author_id": "f" * 24}]
        + [{"rating": 3, "notes": notes} for notes in (None, "a\x00b", "a" * 4001)],
    )
    async def test_malformed(self, stage: Stage, rating: object) -> None:
        """A rating from 1 to 4 and a text are accepted, everything else is 400 `validation_error`."""
        await stage.reaches("completed")
        assert outcome(await stage.submit(stage.interviewer, rating)) == (400, "validation_error")

    async def test_recorded(self, stage: Stage) -> None:
        """The log says who submitted it when, in which request, without the notes."""
        await stage.reaches("completed")
        answer = await stage.submit(stage.interviewer)
        [entry] = await logged(stage.app, answer.json()["id"])
        assert (entry.type, entry.actor) == ("rating.submitted", stage.interviewer.id)
        assert entry.request_id == answer.headers["X-Request-ID"]
        assert entry.changes == {
            "interview_id": {"from": None, "to": stage.interview_id},
            "rating": {"from": None, "to": 3},
            "notes": {"from": None, "to": {}},
        }

    async def test_invalidates(self, stage: Stage) -> None:
        """A rating advances the generation that the package's own rule names, and no other interview's."""
        await stage.reaches("completed")
        generations = stage.app.state.parley.require(Generations)
        keys = [list_of(stage.interview_id), list_of(new_id())]
        before = [await generations.current(key) for key in keys]
        await stage.submit(stage.interviewer)
        assert [await generations.current(key) for key in keys] == [before[0] + 1, before[1]]

    async def test_cached_list(self, stage: Stage) -> None:
        """A list is answered from the cache until a rating is submitted; the next answer shows that rating."""
        await stage.reaches("completed")
        read = partial(stage.client.get, stage.address, headers=stage.interviewer.headers)
        statuses = [(await read()).headers["Cache-Status"] for _ in range(2)]
        assert statuses == ["parley; fwd=miss", "parley; hit"]
        submitted = (await stage.submit(stage.interviewer)).json()
        assert (await read()).json()["items"] == [submitted]

    async def test_older_document(self, stage: Stage) -> None:
        """A rating that was stored before ratings had notes is read with empty ones."""
        await stage.reaches("completed")
        submitted = (await stage.submit(stage.interviewer)).json()
        await stage.app.state.parley.database["ratings"].update_one({}, {"$unset": {"notes": True}})
        assert await stage.read() == [{**submitted, "notes": ""}]


class TestRaces:
    """Between the guard and the transaction the interview changes; `lock` notices."""

    @pytest.mark.parametrize(
        ("meanwhile", "refusal"),
        [
            ({"$set": {"status": "ongoing"}}, InterviewNotCompleted),
            ({"$set": {"participants": []}}, NotAParticipant),
        ],
    )
    async def test_changed_meanwhile(self, stage: Stage, meanwhile: dict[str, Any], refusal: type[Exception]) -> None:
        """What the guard allowed is refused when it is no longer so, and nothing is stored."""
        await stage.reaches("completed")
        access = await self.allowed(stage)
        parley = stage.app.state.parley
        await parley.database["interviews"].update_one({"_id": stage.interview_id}, meanwhile)
        with pytest.raises(refusal):
            await parley.require(RatingService).submit(RatingCreate(rating=1), access)
        assert await parley.database["ratings"].count_documents({}) == 0

    async def allowed(self, stage: Stage) -> ScopedAccess:
        """Return what the guard gives to the endpoint."""
        parley: Parley = stage.app.state.parley
        scope = parley.require(ScopeRegistry).by_name["interview"]
        principal = await parley.require(Authenticator).authenticate(
            stage.interviewer.headers["Authorization"].removeprefix("Bearer ")
        )
        resource = await scope.access_of(parley, stage.interview_id, principal)
        assert resource
        return ScopedAccess(principal, "test", parley.require(PolicyTable), resource, parley, scope)


async def test_pages(stage: Stage, clock: MovableClock) -> None:
    """Ratings are paged, oldest first."""
    await stage.reaches("completed")
    for author in (stage.second, stage.interviewer):
        await stage.submit(author)
        clock.move(timedelta(minutes=1))
    pages = walk(stage.client, f"{stage.address}?limit=1", headers=stage.second.headers)
    authors = [rating["author_id"] async for page in pages for rating in page.json()["items"]]
    assert authors == [stage.second.id, stage.interviewer.id]


class TestComposition:
    """The package is found, checked and, where it is not wanted, left out."""

    async def test_found_by_entry_point(self, core_settings: CoreSettings) -> None:
        """Installed is enough: the whole application starts with ratings in it and documents their errors."""
        app = create_app([core_settings, auth_settings()])
        async with running_client(app) as client:
            paths = (await client.get("/openapi.json")).json()["paths"]
        refusals = paths["/v1/interviews/{interview_id}/ratings"]["post"]["responses"]["400"]["description"]
        assert "`interview_not_completed`" in refusals
        assert "`duplicate_rating`" in refusals
        assert "`interview_closed`" not in refusals

    def test_left_out(self, core_settings: CoreSettings) -> None:
        """PARLEY_PLUGINS leaves it out."""
        chosen = PluginSettings(plugins=("auth", "interviews", "messaging"))
        app = create_app([core_settings, auth_settings(), chosen])
        assert not [path for path in app.openapi()["paths"] if "ratings" in path]

    async def test_needs_interviews(self, core_settings: CoreSettings) -> None:
        """Without the package that owns the scope the start is refused, and the scope is named."""
        plugins = [parley_auth.plugin, parley_ratings.plugin]
        app = an_application([core_settings, auth_settings()], plugins)
        with pytest.raises(StartupError, match=r"plugin 'ratings': .* names scope 'interview', which no plugin"):
            async with running_client(app):
                pass

    async def test_needs_guards(self, core_settings: CoreSettings) -> None:
        """A route of the same prefix without a guard stops the start, and is named."""
        router = Router(prefix="/interviews/{interview_id}/gradings", tag="gradings")

        @router.get("", summary="Read gradings")
        async def list_gradings() -> None: ...

        unguarded: ModuleType = a_plugin("gradings", parley_routers=[router])
        plugins = [parley_auth.plugin, parley_interviews.plugin, unguarded]
        app = an_application([core_settings, auth_settings()], plugins)
        with pytest.raises(StartupError, match=r"gradings .* lacks a guard of scope .interview."):
            async with running_client(app):
                pass
