"""Which interviews of participants overlap with one, and what of them its viewers see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account, an_api_key
from parley_core import Database
from parley_core.testing import walk
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

    Interview = dict[str, Any]

DAY = "2027-03-05T"


def at(time: str) -> str:
    return f"{DAY}{time}:00Z"


async def interview_at(
    client: httpx.AsyncClient, people: People, time: str, *who: Account, minutes: int = 60, **changes: Any
) -> Interview:
    return await create_interview(
        client, people.admin, *who, scheduled_at=at(time), duration_minutes=minutes, **changes
    )


async def conflicts(client: httpx.AsyncClient, viewer: Account, interview: Interview) -> list[dict[str, Any]]:
    answer = await client.get(f"{address_of(interview)}/conflicts", headers=viewer.headers)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] == len(page["items"])
    return list(page["items"])


class TestConflicts:
    async def test_half_open(self, client: httpx.AsyncClient, people: People) -> None:
        """What shares an instant conflicts; what ends or begins at the other's begin or end doesn't."""
        own = await interview_at(client, people, "09:00", people.interviewer)
        await interview_at(client, people, "08:00", people.interviewer)
        await interview_at(client, people, "10:00", people.interviewer)
        before = await interview_at(client, people, "08:30", people.interviewer, minutes=31)
        inside = await interview_at(client, people, "09:15", people.interviewer, minutes=1, title="Second")
        around = await interview_at(client, people, "08:00", people.interviewer, minutes=1440)
        found = await conflicts(client, people.admin, own)
        assert [one["interview_id"] for one in found] == [around["id"], before["id"], inside["id"]]
        assert found[2] == {
            "user_id": people.interviewer.id,
            "scheduled_at": at("09:15"),
            "ends_at": at("09:16"),
            "interview_id": inside["id"],
            "title": "Second",
        }

    async def test_one_for_each_person(self, client: httpx.AsyncClient, people: People) -> None:
        """An interview conflicts once for each participant that it shares, in whatever role they take part in it."""
        own = await interview_at(client, people, "09:00", people.interviewer, people.candidate)
        both = await interview_at(client, people, "09:30", people.candidate, people.interviewer)
        await interview_at(client, people, "09:30", people.admin)
        found = await conflicts(client, people.interviewer, own)
        assert {one["user_id"] for one in found} == {people.interviewer.id, people.candidate.id}
        assert [one["interview_id"] for one in found] == [both["id"]] * 2

    @pytest.mark.parametrize("status", ["scheduled", "ongoing", "completed", "cancelled"])
    async def test_states(self, client: httpx.AsyncClient, people: People, status: str) -> None:
        """Scheduled and ongoing interviews conflict; completed and cancelled ones do so from neither side."""
        own = await interview_at(client, people, "09:00", people.interviewer)
        other = await interview_at(client, people, "09:30", people.interviewer)
        await bring_to(client, people.admin, other["id"], status)
        expected = 1 if status in {"scheduled", "ongoing"} else 0
        assert len(await conflicts(client, people.admin, own)) == expected
        assert len(await conflicts(client, people.admin, other)) == expected

    async def test_nobody(self, client: httpx.AsyncClient, people: People) -> None:
        """An interview without participants conflicts with none."""
        own = await interview_at(client, people, "09:00")
        await interview_at(client, people, "09:00", people.interviewer)
        assert await conflicts(client, people.admin, own) == []

    async def test_follows_changes(self, client: httpx.AsyncClient, people: People) -> None:
        """The next answer shows a move, and who was added or removed, on each side."""
        own = await interview_at(client, people, "09:00", people.interviewer)
        other = await interview_at(client, people, "11:00", people.interviewer)
        for interview, time, expected in ((other, "09:30", 1), (own, "12:00", 0), (own, "10:15", 1)):
            moved = {"scheduled_at": at(time)}
            await client.patch(address_of(interview), json=moved, headers=people.admin.headers)
            assert len(await conflicts(client, people.admin, own)) == expected
        seat = f"{address_of(other)}/participants/{people.interviewer.id}"
        assert (await client.delete(seat, headers=people.admin.headers)).status_code == 204
        assert await conflicts(client, people.admin, own) == []

    async def test_pages(self, client: httpx.AsyncClient, people: People) -> None:
        """Walked by pages each conflict is met once, by time."""
        own = await interview_at(client, people, "09:00", people.interviewer, people.candidate, minutes=600)
        for number in range(5):
            await interview_at(client, people, f"1{4 - number}:00", people.candidate, people.interviewer)
        address = f"{address_of(own)}/conflicts"
        pages = [page.json() async for page in walk(client, f"{address}?limit=3", headers=people.admin.headers)]
        found = [one for page in pages for one in page["items"]]
        assert len(found) == 10
        assert found == await conflicts(client, people.admin, own)
        assert found == sorted(found, key=lambda one: one["scheduled_at"])
        beyond = (await client.get(f"{address}?offset=10", headers=people.admin.headers)).json()
        assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 10, None)

    async def test_old_documents(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Stored interviews without end, duration and title conflict as they are read: for an hour, without words."""
        own = await interview_at(client, people, "09:00", people.interviewer)
        other = await interview_at(client, people, "09:30", people.interviewer)
        missing = {
            "$unset": {"ends_at": "", "duration_minutes": "", "title": "", "participants.0.participant_role": ""}
        }
        for interview in (own, other):
            await database["interviews"].update_one({"_id": interview["id"]}, missing)
        [found] = await conflicts(client, people.admin, own)
        assert (found["ends_at"], found["title"], found["interview_id"]) == (at("10:30"), "", other["id"])


class TestWhoSeesWhat:
    async def test_times_alone(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Of an interview that isn't theirs an interviewer sees the time, of their own also which one it is."""
        own = await interview_at(client, people, "09:00", people.interviewer, people.candidate)
        secret = await interview_at(client, people, "09:30", people.candidate, await an_account(app, "interviewer"))
        shared = await interview_at(client, people, "09:45", people.interviewer, people.candidate, title="Ours")
        seen = await conflicts(client, people.interviewer, own)
        assert [one["interview_id"] for one in seen] == [None, shared["id"], shared["id"]]
        assert [one["title"] for one in seen] == [None, "Ours", "Ours"]
        assert (seen[0]["user_id"], seen[0]["scheduled_at"]) == (people.candidate.id, at("09:30"))
        answer = await client.get(f"{address_of(own)}/conflicts", headers=people.interviewer.headers)
        assert secret["id"] not in answer.text
        everything = await conflicts(client, people.admin, own)
        assert everything[0]["interview_id"] == secret["id"]

    async def test_as_a_candidate_elsewhere(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """An interviewer who is the candidate of the other interview may read that one, and sees which it is."""
        own = await interview_at(client, people, "09:00", people.interviewer)
        named = [{"user_id": people.interviewer.id, "participant_role": "candidate"}]
        body = {"title": "Promotion", "interview_type": "panel", "scheduled_at": at("09:00"), "participants": named}
        other = (await client.post("/v1/interviews", json=body, headers=people.admin.headers)).json()
        [found] = await conflicts(client, people.interviewer, own)
        assert (found["interview_id"], found["title"]) == (other["id"], "Promotion")
        answer = await client.get(f"{address_of(other)}/conflicts", headers=people.interviewer.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")

    async def test_removed(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever was removed from the other interview sees its time alone from then on; from this one, nothing."""
        own = await interview_at(client, people, "09:00", people.interviewer, people.candidate)
        other = await interview_at(client, people, "09:30", people.interviewer, people.candidate)
        assert {one["interview_id"] for one in await conflicts(client, people.interviewer, own)} == {other["id"]}
        for interview in (other, own):
            seat = f"{address_of(interview)}/participants/{people.interviewer.id}"
            assert (await client.delete(seat, headers=people.admin.headers)).status_code == 204
            if interview is other:
                [found] = await conflicts(client, people.interviewer, own)
                assert (found["user_id"], found["interview_id"]) == (people.candidate.id, None)
        answer = await client.get(f"{address_of(own)}/conflicts", headers=people.interviewer.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_participant")

    async def test_keys(self, client: httpx.AsyncClient, people: People) -> None:
        """A key for conflicts sees times; one that may read interviews too sees which they are."""
        own = await interview_at(client, people, "09:00", people.interviewer)
        other = await interview_at(client, people, "09:30", people.interviewer)
        for actions, expected in (
            (("schedule:read_conflicts",), None),
            (("schedule:read_conflicts", "interviews:read"), other["id"]),
        ):
            key = await an_api_key(client, people.admin, *actions)
            answer = await client.get(f"{address_of(own)}/conflicts", headers=key.headers)
            assert [one["interview_id"] for one in answer.json()["items"]] == [expected]

    async def test_hidden_existence(self, client: httpx.AsyncClient, people: People, deployment: Deployment) -> None:
        """With PARLEY_HIDE_EXISTENCE the same is shown: of what the caller may not read no id."""
        own = await interview_at(client, people, "09:00", people.interviewer, people.candidate)
        await interview_at(client, people, "09:30", people.candidate)
        async with deployment.worker(hide_existence=True) as hiding:
            [found] = await conflicts(hiding, people.interviewer, own)
        assert (found["interview_id"], found["title"]) == (None, None)
