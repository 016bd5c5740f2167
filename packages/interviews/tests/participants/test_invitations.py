"""`invite: true`: an unknown address becomes an invited candidate's account and a participant, both or neither."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth import UserDirectory
from parley_auth.testing import Account, an_account
from parley_core import Database, new_id
from parley_interviews.testing import address_of, an_interview, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import People

Interview = dict[str, Any]


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, answer.json().get("code")


def an_email() -> str:
    return f"{new_id()}@example.com"


async def add(client: httpx.AsyncClient, caller: Account, interview: Interview, **body: Any) -> httpx.Response:
    return await client.post(f"{address_of(interview)}/participants", json=body, headers=caller.headers)


async def create(client: httpx.AsyncClient, caller: Account, *named: object) -> httpx.Response:
    return await client.post("/v1/interviews", json=an_interview(participants=named), headers=caller.headers)


async def account_of(app: FastAPI, email: str) -> dict[str, Any] | None:
    """The account with an e-mail, as other packages see it."""
    user = await app.state.parley.require(UserDirectory).by_email(email)
    return {"id": user.id, "role": user.role, "state": user.state, "verified": user.verified} if user else None


async def number_of(database: Database) -> tuple[int, int]:
    """How many accounts and interviews there are."""
    return await database["users"].count_documents({}), await database["interviews"].count_documents({})


class TestUnknownAddress:
    @pytest.mark.parametrize("role", [{}, {"participant_role": "candidate"}])
    async def test_added(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, *, role: dict[str, str]
    ) -> None:
        """An unknown address gets an invited candidate's account that takes part, in whatever case it is spelt."""
        interview, email = await create_interview(client, people.admin), an_email()
        answer = await add(client, people.admin, interview, user_email=f" {email.upper()} ", invite=True, **role)
        assert answer.status_code == 201, answer.text
        shown = answer.json()
        assert (shown["participant_role"], shown["email"], shown["name"], shown["active"]) == (
            "candidate",
            email,
            None,
            True,
        )
        expected = {"id": shown["user_id"], "role": "candidate", "state": "invited", "verified": False}
        assert await account_of(app, email) == expected
        listed = await client.get(f"{address_of(interview)}/participants", headers=people.admin.headers)
        assert listed.json()["items"] == [shown]

    async def test_created(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """An interview is created together with everybody who is invited to it, beside those who are known."""
        emails = [an_email(), an_email()]
        named = [{"user_id": people.interviewer.id}, *({"user_email": e, "invite": True} for e in emails)]
        created = await create(client, people.admin, *named)
        assert created.status_code == 201
        listed = await client.get(f"{address_of(created.json())}/participants", headers=people.admin.headers)
        assert [p["email"] for p in listed.json()["items"]] == [people.interviewer.user.email, *emails]
        history = await client.get(f"{address_of(created.json())}/history", headers=people.admin.headers)
        [entry] = history.json()["items"]
        ids = [p["user_id"] for p in listed.json()["items"]]
        assert [p["user_id"] for p in entry["changes"]["participants"]["to"]] == ids
        assert not any(email in history.text for email in emails)

    async def test_recorded(self, client: httpx.AsyncClient, people: People) -> None:
        """The account's history says who invited it, without its address."""
        interview, email = await create_interview(client, people.admin), an_email()
        user_id = (await add(client, people.admin, interview, user_email=email, invite=True)).json()["user_id"]
        history = await client.get(f"/v1/users/{user_id}/history", headers=people.admin.headers)
        assert [(e["type"], e["actor"]) for e in history.json()["items"]] == [("user.invited", people.admin.id)]
        assert email not in history.text

    async def test_without_invite(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """Without `invite`, or with false, an unknown address stays 404 and gets no account."""
        interview = await create_interview(client, people.admin)
        before = await number_of(database)
        for body in ({"user_email": an_email()}, {"user_email": an_email(), "invite": False}):
            assert outcome(await add(client, people.admin, interview, **body)) == (404, "user_not_found")
            assert outcome(await create(client, people.admin, body)) == (404, "user_not_found")
        assert await number_of(database) == before


class TestKnownAddress:
    async def test_just_added(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """A known address is added as without `invite`, and its account stays what it is."""
        interview = await create_interview(client, people.admin)
        before = await number_of(database)
        for person in (people.candidate, people.interviewer):
            answer = await add(client, people.admin, interview, user_email=person.user.email, invite=True)
            assert (answer.json()["user_id"], answer.json()["participant_role"]) == (person.id, person.user.role)
        as_candidate = {"user_email": people.admin.user.email, "invite": True, "participant_role": "candidate"}
        assert (await add(client, people.admin, interview, **as_candidate)).status_code == 201
        assert await number_of(database) == before

    async def test_already_there(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever was invited takes part, so that a second invitation to the same interview is a duplicate."""
        interview, body = await create_interview(client, people.admin), {"user_email": an_email(), "invite": True}
        first = await add(client, people.admin, interview, **body)
        assert outcome(await add(client, people.admin, interview, **body)) == (400, "duplicate_participant")
        elsewhere = await add(client, people.admin, await create_interview(client, people.admin), **body)
        assert elsewhere.json()["user_id"] == first.json()["user_id"]

    async def test_inactive(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """An inactive account isn't invited anew."""
        inactive = await an_account(app, active=False)
        interview = await create_interview(client, people.admin)
        answer = await add(client, people.admin, interview, user_email=inactive.user.email, invite=True)
        assert outcome(answer) == (400, "inactive_user")


class TestNeither:
    @pytest.mark.parametrize("invite", [True, False])
    async def test_by_id(self, client: httpx.AsyncClient, people: People, *, invite: bool) -> None:
        """`invite` goes with an address; with an id it is refused, and false means nothing."""
        interview = await create_interview(client, people.admin)
        body = {"user_id": people.candidate.id, "invite": invite}
        assert outcome(await add(client, people.admin, interview, **body)) == (
            (400, "validation_error") if invite else (201, None)
        )

    @pytest.mark.parametrize("invite", ["true", 1, None, [], {}])
    async def test_malformed(self, client: httpx.AsyncClient, people: People, invite: object) -> None:
        """`invite` is true or false."""
        interview = await create_interview(client, people.admin)
        answer = await add(client, people.admin, interview, user_email=an_email(), invite=invite)
        assert outcome(answer) == (400, "validation_error")

    async def test_as_interviewer(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """Nobody is invited as interviewer: neither account nor participant is created."""
        interview = await create_interview(client, people.admin)
        before = await number_of(database)
        body = {"user_email": an_email(), "invite": True, "participant_role": "interviewer"}
        assert outcome(await add(client, people.admin, interview, **body)) == (400, "invalid_participant_role")
        assert outcome(await create(client, people.admin, body)) == (400, "invalid_participant_role")
        assert await number_of(database) == before
        assert (await client.get(address_of(interview), headers=people.admin.headers)).json() == interview

    async def test_all_or_nothing(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """Where one of several can't take part, nobody is invited, whatever the order."""
        invited, unknown = {"user_email": an_email(), "invite": True}, {"user_email": an_email()}
        before = await number_of(database)
        for named in ([invited, unknown], [unknown, invited]):
            assert outcome(await create(client, people.admin, *named)) == (404, "user_not_found")
        assert outcome(await create(client, people.admin, invited, invited)) == (400, "duplicate_participant")
        assert await number_of(database) == before

    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    async def test_closed(self, client: httpx.AsyncClient, database: Database, people: People, status: str) -> None:
        """Nobody is invited to a closed interview."""
        interview = await create_interview(client, people.admin)
        await bring_to(client, people.admin, interview["id"], status)
        before = await number_of(database)
        answer = await add(client, people.admin, interview, user_email=an_email(), invite=True)
        assert outcome(answer) == (400, "interview_closed")
        assert await number_of(database) == before

    async def test_full(self, app: FastAPI, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """An interview without room for another participant gets no account either."""
        interview = await create_interview(client, people.admin, *[await an_account(app) for _ in range(100)])
        before = await number_of(database)
        answer = await add(client, people.admin, interview, user_email=an_email(), invite=True)
        assert outcome(answer) == (400, "too_many_participants")
        assert await number_of(database) == before

    async def test_who_may(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """Whoever may not add participants invites nobody."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        before = await number_of(database)
        for caller in (people.interviewer, people.candidate):
            answer = await add(client, caller, interview, user_email=an_email(), invite=True)
            assert outcome(answer) == (403, "permission_denied")
        assert await number_of(database) == before


class TestRaces:
    @pytest.mark.attack
    async def test_one_account(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Two administrators who invite one address to two interviews at once: one account, in both."""
        other = await an_account(app, "admin")
        for _ in range(rounds(3, full=10)):
            interviews = [await create_interview(client, people.admin) for _ in range(2)]
            body, admins = {"user_email": an_email(), "invite": True}, (people.admin, other)
            pairs = zip(admins, interviews, strict=True)
            answers = await asyncio.gather(*(add(client, admin, one, **body) for admin, one in pairs))
            assert [a.status_code for a in answers] == [201, 201], [a.text for a in answers]
            assert len({a.json()["user_id"] for a in answers}) == 1

    @pytest.mark.attack
    async def test_one_of_many(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """Of 10 concurrent invitations of one address to one interview one is accepted."""
        for _ in range(rounds(2, full=5)):
            interview, email = await create_interview(client, people.admin), an_email()
            invitations = (add(client, people.admin, interview, user_email=email, invite=True) for _ in range(10))
            outcomes = sorted(map(outcome, await asyncio.gather(*invitations)))
            assert outcomes == [(201, None)] + [(400, "duplicate_participant")] * 9
            assert await database["users"].count_documents({"email": email}) == 1

    async def test_against_registration(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever registers an address while it is invited has it, or gets `duplicate_email`: one account."""
        for _ in range(3):
            interview, email = await create_interview(client, people.admin), an_email()
            registration = client.post("/v1/auth/register", json={"email": email, "password": "nine green bottles"})
            invitation = add(client, people.admin, interview, user_email=email, invite=True)
            registered, invited = await asyncio.gather(registration, invitation)
            assert invited.status_code == 201
            if registered.status_code == 201:
                assert registered.json()["id"] == invited.json()["user_id"]
            else:
                assert outcome(registered) == (400, "duplicate_email")

    async def test_against_cancel(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """An invitation that loses against the cancellation leaves no account."""
        for _ in range(5):
            interview, email = await create_interview(client, people.admin), an_email()
            body = {"status": "cancelled"}
            cancel = client.patch(f"{address_of(interview)}/status", json=body, headers=people.admin.headers)
            invitation = add(client, people.admin, interview, user_email=email, invite=True)
            invited, cancelled = await asyncio.gather(invitation, cancel)
            assert cancelled.status_code == 200
            assert outcome(invited) in {(201, None), (400, "interview_closed")}
            number = await database["users"].count_documents({"email": email})
            assert number == (1 if invited.status_code == 201 else 0)
