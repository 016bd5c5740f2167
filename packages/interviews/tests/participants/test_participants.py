"""Participants over HTTP: adding and removing them, rules, races, and what others may see of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core.testing import MovableClock, links_of, walk
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

    Interview = dict[str, Any]

UNKNOWN_ID = "0" * 24


async def add(client: httpx.AsyncClient, admin: Account, interview: Interview, **body: Any) -> httpx.Response:
    return await client.post(f"{address_of(interview)}/participants", json=body, headers=admin.headers)


async def remove(client: httpx.AsyncClient, admin: Account, interview: Interview, user_id: str) -> httpx.Response:
    return await client.delete(f"{address_of(interview)}/participants/{user_id}", headers=admin.headers)


async def listed(client: httpx.AsyncClient, viewer: Account, interview: Interview) -> list[dict[str, Any]]:
    address = f"{address_of(interview)}/participants?limit=100"
    return list((await client.get(address, headers=viewer.headers)).json()["items"])


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, answer.json().get("code") if answer.content else None


class TestAdd:
    async def test_by_id_and_by_email(self, client: httpx.AsyncClient, people: People) -> None:
        """An account is added by id or by e-mail, and answered as the list of participants shows it."""
        interview = await create_interview(client, people.admin)
        by_id = await add(client, people.admin, interview, user_id=people.interviewer.id)
        by_email = await add(client, people.admin, interview, user_email=people.candidate.user.email.upper())
        assert (outcome(by_id), outcome(by_email)) == ((201, None), (201, None))
        assert by_id.json() == {
            "user_id": people.interviewer.id,
            "participant_role": "interviewer",
            "name": people.interviewer.user.name,
            "email": people.interviewer.user.email,
            "added_by": people.admin.id,
            "added_at": "2027-03-01T12:00:00Z",
            "active": True,
            "removed_by": None,
            "removed_at": None,
        }
        assert await listed(client, people.admin, interview) == [by_id.json(), by_email.json()]

    @pytest.mark.parametrize("role", ["admin", "interviewer", "candidate"])
    @pytest.mark.parametrize("wanted", ["candidate", "interviewer", None])
    async def test_roles(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, role: str, wanted: str | None
    ) -> None:
        """Candidates take part as candidate alone, employees as either; left out, the role follows the account."""
        account = await an_account(app, role)
        natural = "candidate" if role == "candidate" else "interviewer"
        possible = {natural, "candidate"}
        interview = await create_interview(client, people.admin)
        for body in ({"user_id": account.id}, {"user_email": account.user.email}):
            wish = {} if wanted is None else {"participant_role": wanted}
            answer = await add(client, people.admin, interview, **body, **wish)
            if wanted is None or wanted in possible:
                assert answer.json()["participant_role"] == (wanted or natural)
                await remove(client, people.admin, interview, account.id)
            else:
                assert outcome(answer) == (400, "invalid_participant_role")
                assert await listed(client, people.admin, interview) == []

    async def test_who_cannot_be_assigned(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """An unknown account isn't found, an inactive one is refused, and neither leaves a trace."""
        inactive = await an_account(app, active=False)
        interview = await create_interview(client, people.admin)
        refusals = {
            (404, "user_not_found"): [{"user_id": UNKNOWN_ID}, {"user_email": "nobody@example.com"}],
            (400, "inactive_user"): [{"user_id": inactive.id}, {"user_email": inactive.user.email}],
        }
        for expected, bodies in refusals.items():
            for body in bodies:
                assert outcome(await add(client, people.admin, interview, **body)) == expected
        assert (await client.get(address_of(interview), headers=people.admin.headers)).json() == interview

    async def test_twice(self, client: httpx.AsyncClient, people: People) -> None:
        """A participant can't be added again, by id or by e-mail, and the interview stays as it is."""
        interview = await create_interview(client, people.admin, people.candidate)
        for body in ({"user_id": people.candidate.id}, {"user_email": people.candidate.user.email}):
            assert outcome(await add(client, people.admin, interview, **body)) == (400, "duplicate_participant")
        assert (await client.get(address_of(interview), headers=people.admin.headers)).json() == interview

    async def test_at_most_a_hundred(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """The hundredth participant is the last; a duplicate is still reported as one, and a removal makes room."""
        accounts = [await an_account(app) for _ in range(101)]
        interview = await create_interview(client, people.admin, *accounts[:99])
        assert outcome(await add(client, people.admin, interview, user_id=accounts[99].id)) == (201, None)
        beyond = await add(client, people.admin, interview, user_id=accounts[100].id)
        assert outcome(beyond) == (400, "too_many_participants")
        again = await add(client, people.admin, interview, user_id=accounts[0].id)
        assert outcome(again) == (400, "duplicate_participant")
        await remove(client, people.admin, interview, accounts[50].id)
        assert outcome(await add(client, people.admin, interview, user_id=accounts[100].id)) == (201, None)
        assert len(await listed(client, people.admin, interview)) == 100

    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    async def test_closed(self, client: httpx.AsyncClient, people: People, status: str) -> None:
        """Nobody is added to a closed interview or removed from it; a malformed body is reported first."""
        interview = await create_interview(client, people.admin, people.candidate)
        await bring_to(client, people.admin, interview["id"], status)
        for user_id in (people.interviewer.id, people.candidate.id, UNKNOWN_ID):
            for change in (
                add(client, people.admin, interview, user_id=user_id),
                remove(client, people.admin, interview, user_id),
            ):
                assert outcome(await change) == (400, "interview_closed")
        assert outcome(await add(client, people.admin, interview)) == (400, "validation_error")
        assert [p["user_id"] for p in await listed(client, people.candidate, interview)] == [people.candidate.id]

    async def test_listed_as_they_were_added(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, clock: MovableClock
    ) -> None:
        """Whoever is added behind others is listed behind them, also where their request began before the others'."""
        interview, later = await create_interview(client, people.admin), clock.now
        for minute in (2, 1, 0):
            clock.now = later + timedelta(minutes=minute)
            added = await add(client, people.admin, interview, user_id=(await an_account(app, "candidate")).id)
            assert (await listed(client, people.admin, interview))[-1] == added.json()

    async def test_ongoing_is_open(self, client: httpx.AsyncClient, people: People) -> None:
        """People come and go while an interview is under way."""
        interview = await create_interview(client, people.admin)
        await bring_to(client, people.admin, interview["id"], "ongoing")
        assert outcome(await add(client, people.admin, interview, user_id=people.candidate.id)) == (201, None)
        assert outcome(await remove(client, people.admin, interview, people.candidate.id)) == (204, None)


class TestRemove:
    async def test_twice(self, client: httpx.AsyncClient, people: People) -> None:
        """A removed participant can't be removed again, and an outsider can't be removed."""
        interview = await create_interview(client, people.admin, people.candidate, people.interviewer)
        assert outcome(await remove(client, people.admin, interview, people.candidate.id)) == (204, None)
        for user_id in (people.candidate.id, people.admin.id, UNKNOWN_ID):
            answer = await remove(client, people.admin, interview, user_id)
            assert outcome(answer) == (404, "participant_not_found")
        assert [p["user_id"] for p in await listed(client, people.admin, interview)] == [people.interviewer.id]

    async def test_malformed_id(self, client: httpx.AsyncClient, people: People) -> None:
        """A malformed id is reported before anything else, even of an interview that doesn't exist."""
        interview = await create_interview(client, people.admin)
        for known in (interview, {"id": UNKNOWN_ID}):
            assert outcome(await remove(client, people.admin, known, "x")) == (400, "invalid_id")

    async def test_and_add_again(self, client: httpx.AsyncClient, people: People) -> None:
        """A removed participant can be added again, and is then last in the list."""
        interview = await create_interview(client, people.admin, people.candidate, people.interviewer)
        await remove(client, people.admin, interview, people.candidate.id)
        await add(client, people.admin, interview, user_id=people.candidate.id)
        user_ids = [p["user_id"] for p in await listed(client, people.admin, interview)]
        assert user_ids == [people.interviewer.id, people.candidate.id]

    async def test_one_of_many_wins(self, client: httpx.AsyncClient, people: People) -> None:
        """Of 20 concurrent removals of one person one succeeds."""
        interview = await create_interview(client, people.admin, people.candidate)
        removals = (remove(client, people.admin, interview, people.candidate.id) for _ in range(20))
        assert sorted(a.status_code for a in await asyncio.gather(*removals)) == [204] + [404] * 19


class TestInForce:
    async def test_next_request_of_every_worker(
        self, client: httpx.AsyncClient, people: People, deployment: Deployment
    ) -> None:
        """An added user reads from the next request on, a removed one is locked out from it on, through any worker."""
        interview = await create_interview(client, people.admin)
        places = [address_of(interview) + rest for rest in ("", "/history", "/participants")]
        async with deployment.worker() as other:
            for _ in range(5):
                await add(client, people.admin, interview, user_id=people.candidate.id)
                for worker, place in ((w, p) for w in (other, client) for p in places):
                    assert (await worker.get(place, headers=people.candidate.headers)).status_code == 200
                assert (await other.get("/v1/interviews", headers=people.candidate.headers)).json()["total"] == 1
                await remove(client, people.admin, interview, people.candidate.id)
                for worker, place in ((w, p) for w in (other, client) for p in places):
                    answer = await worker.get(place, headers=people.candidate.headers)
                    assert outcome(answer) == (403, "not_a_participant")
                assert (await other.get("/v1/interviews", headers=people.candidate.headers)).json()["total"] == 0


class TestList:
    @pytest.mark.parametrize("role", ["admin", "interviewer", "candidate"])
    async def test_emails(self, app: FastAPI, client: httpx.AsyncClient, people: People, role: str) -> None:
        """Administrators and interviewers see every e-mail address, candidates only their own; everybody sees names."""
        other = await an_account(app, "candidate")
        viewer: Account = getattr(people, role)
        everybody = [people.interviewer, people.candidate, other]
        interview = await create_interview(client, people.admin, *everybody)
        shown = await listed(client, viewer, interview)
        assert [p["name"] for p in shown] == [account.user.name for account in everybody]
        hidden = {people.interviewer.id, other.id} if role == "candidate" else set()
        assert [p["email"] for p in shown] == [None if a.id in hidden else a.user.email for a in everybody]

    async def test_candidates_read_no_email_anywhere(self, client: httpx.AsyncClient, people: People) -> None:
        """No answer that a candidate gets about an interview contains somebody else's e-mail address."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        for rest in ("", "/history", "/participants"):
            answer = await client.get(address_of(interview) + rest, headers=people.candidate.headers)
            assert people.interviewer.user.email not in answer.text
            assert people.admin.user.email not in answer.text

    async def test_pages(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Participants come in pages in the order in which they were added; beyond the end there is none."""
        accounts = [await an_account(app) for _ in range(5)]
        interview = await create_interview(client, people.admin, *accounts)
        seen: list[str] = []
        async for answer in walk(client, f"{address_of(interview)}/participants?limit=2", headers=people.admin.headers):
            page = answer.json()
            assert (page["total"], page["limit"], page["offset"]) == (5, 2, len(seen))
            assert links_of(answer).get("next") == (f"http://test{page['next']}" if page["next"] else None)
            seen += [p["user_id"] for p in page["items"]]
        assert seen == [account.id for account in accounts]
        beyond = await client.get(f"{address_of(interview)}/participants?offset=9", headers=people.admin.headers)
        assert (beyond.json()["items"], beyond.json()["total"], beyond.json()["next"]) == ([], 5, None)

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("limit=0", "validation_error"),
            ("limit=101", "validation_error"),
            ("offset=-1", "validation_error"),
            ("offset=x", "validation_error"),
            ("role=candidate", "invalid_filter"),
        ],
    )
    async def test_bad_queries(self, client: httpx.AsyncClient, people: People, query: str, code: str) -> None:
        """Bad values and unknown parameters are refused."""
        interview = await create_interview(client, people.admin)
        answer = await client.get(f"{address_of(interview)}/participants?{query}", headers=people.admin.headers)
        assert outcome(answer) == (400, code)


class TestRaces:
    @pytest.mark.attack
    async def test_fifty_identical_additions(self, client: httpx.AsyncClient, people: People) -> None:
        """Of 50 concurrent identical additions exactly one succeeds, the others are duplicates."""
        for _ in range(rounds(1, full=5)):
            interview = await create_interview(client, people.admin)
            bodies = ({"user_id": people.candidate.id}, {"user_email": people.candidate.user.email})
            answers = await asyncio.gather(*(add(client, people.admin, interview, **bodies[n % 2]) for n in range(50)))
            assert sorted(map(outcome, answers)) == [(201, None)] + [(400, "duplicate_participant")] * 49
            assert len(await listed(client, people.admin, interview)) == 1

    async def test_fifty_different_additions(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """50 concurrent additions of different people all succeed, each with a revision of its own."""
        accounts = [await an_account(app) for _ in range(50)]
        interview = await create_interview(client, people.admin)
        answers = await asyncio.gather(*(add(client, people.admin, interview, user_id=a.id) for a in accounts))
        assert {a.status_code for a in answers} == {201}
        assert {p["user_id"] for p in await listed(client, people.admin, interview)} == {a.id for a in accounts}
        now = (await client.get(address_of(interview), headers=people.admin.headers)).json()
        assert now["rev"] == 51

    async def test_the_last_places(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Of 20 concurrent additions to an interview with room for 5 exactly 5 succeed."""
        accounts = [await an_account(app) for _ in range(115)]
        interview = await create_interview(client, people.admin, *accounts[:95])
        late = (add(client, people.admin, interview, user_id=a.id) for a in accounts[95:])
        answers = await asyncio.gather(*late)
        assert sorted(map(outcome, answers)) == [(201, None)] * 5 + [(400, "too_many_participants")] * 15
        assert len(await listed(client, people.admin, interview)) == 100

    async def test_additions_against_removals(self, client: httpx.AsyncClient, people: People) -> None:
        """However additions and removals of one person interleave, each answer is true and the history agrees."""
        interview = await create_interview(client, people.admin)
        changes = []
        for _ in range(15):
            changes += [
                add(client, people.admin, interview, user_id=people.candidate.id),
                remove(client, people.admin, interview, people.candidate.id),
            ]
        outcomes = list(map(outcome, await asyncio.gather(*changes)))
        assert set(outcomes) <= {
            (201, None),
            (204, None),
            (400, "duplicate_participant"),
            (404, "participant_not_found"),
        }
        added, removed = outcomes.count((201, None)), outcomes.count((204, None))
        assert len(await listed(client, people.admin, interview)) == added - removed

    @pytest.mark.attack
    async def test_additions_against_cancel(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Nobody is added after the cancellation."""
        accounts = [await an_account(app) for _ in range(10)]
        for _ in range(rounds(2, full=5)):
            interview = await create_interview(client, people.admin)
            body = {"status": "cancelled"}
            cancel = client.patch(f"{address_of(interview)}/status", json=body, headers=people.admin.headers)
            additions = [add(client, people.admin, interview, user_id=a.id) for a in accounts]
            *answers, cancelled = await asyncio.gather(*additions, cancel)
            assert cancelled.status_code == 200
            assert set(map(outcome, answers)) <= {(201, None), (400, "interview_closed")}
            history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
            assert history.json()["items"][-1]["type"] == "interview.cancelled"

    @pytest.mark.attack
    async def test_removal_against_transition(self, client: httpx.AsyncClient, people: People) -> None:
        """An interviewer who is removed while starting the interview starts it before the removal or not at all."""
        for _ in range(rounds(5, full=20)):
            interview = await create_interview(client, people.admin, people.interviewer)
            body = {"status": "ongoing"}
            starts = [
                client.patch(f"{address_of(interview)}/status", json=body, headers=people.interviewer.headers)
                for _ in range(3)
            ]
            taken_off = remove(client, people.admin, interview, people.interviewer.id)
            first, removed, *others = await asyncio.gather(starts[0], taken_off, *starts[1:])
            assert removed.status_code == 204
            allowed = {(200, None), (400, "invalid_transition"), (403, "not_a_participant")}
            assert set(map(outcome, (first, *others))) <= allowed
            history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
            types = [entry["type"] for entry in history.json()["items"]]
            started = [a.status_code for a in (first, *others)].count(200)
            assert types == [
                "interview.created",
                *["interview.started"] * started,
                "interview.participant_removed",
            ]
