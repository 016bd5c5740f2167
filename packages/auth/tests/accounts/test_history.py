"""The history of accounts, over HTTP: complete at every moment, silent about persons, and without an end."""

from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth.testing import PASSWORD, People
from parley_core.log.relay import Relay
from parley_core.testing import walk

CHANGES = rounds(50, full=2_000)


def address_of(people: People) -> str:
    return f"/v1/users/{people.candidate.id}"


async def history(client: httpx.AsyncClient, people: People, **query: int) -> dict[str, Any]:
    answer = await client.get(f"{address_of(people)}/history", params=query, headers=people.admin.headers)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def drain(app: FastAPI) -> None:
    await app.state.parley.require(Relay).drain()


class TestContents:
    async def test_each_change(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Each entry says who did what, when, and from which value to which; the same before and after the relay."""
        admin, owner = people.admin.headers, people.candidate.headers
        await client.patch("/v1/users/me", json={"name": "Ada King"}, headers=owner)
        body = {"current_password": PASSWORD, "new_password": "ten blue bottles"}
        await client.post("/v1/users/me/password", json=body, headers=owner)
        for change in ({"role": "interviewer"}, {}, {"active": False, "name": None}):
            assert (await client.patch(address_of(people), json=change, headers=admin)).status_code == 200
        page = await history(client, people)
        assert [(e["rev"], e["type"], e["actor_role"], e["changes"]) for e in page["items"]] == [
            (1, "user.created", "system", {}),
            (2, "user.updated", "candidate", {"name": {"from": {}, "to": {}}}),
            (3, "user.password_changed", "candidate", {"password": {"from": {}, "to": {}}}),
            (4, "user.role_changed", "admin", {"role": {"from": "candidate", "to": "interviewer"}}),
            (5, "user.deactivated", "admin", {"active": {"from": True, "to": False}, "name": {"from": {}, "to": {}}}),
        ]
        by_candidate, by_admin = [people.candidate.id] * 2, [people.admin.id] * 2
        assert [entry["actor"] for entry in page["items"]] == [None, *by_candidate, *by_admin]
        fields = ("rev", "type", "at", "actor", "actor_role", "reason", "changes")
        assert {tuple(entry) for entry in page["items"]} == {fields}
        await drain(app)
        assert await history(client, people) == page

    async def test_no_person_in_it(self, client: httpx.AsyncClient, people: People) -> None:
        """Neither e-mail nor name nor password, old or new, is in a history."""
        await client.patch(address_of(people), json={"name": "Ada King"}, headers=people.admin.headers)
        shown = str(await history(client, people))
        for text in ("@", "Ada", "King", "Candidate", "bottles", "$argon2"):
            assert text not in shown


class TestPages:
    async def test_walk(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Pages follow each other from the first change to the last, whether the log has them yet or not."""
        for number in range(9):
            if number == 5:
                await drain(app)
            await client.patch("/v1/users/me", json={"name": f"n{number}"}, headers=people.candidate.headers)
        address = f"{address_of(people)}/history?limit=3"
        pages = [page.json() async for page in walk(client, address, headers=people.admin.headers)]
        assert [[entry["rev"] for entry in page["items"]] for page in pages] == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]
        assert {page["total"] for page in pages} == {10}

    async def test_beyond_the_end(self, client: httpx.AsyncClient, people: People) -> None:
        """Behind the last change there is an empty page, which still says how many changes there are."""
        page = await history(client, people, offset=1)
        assert (page["items"], page["total"], page["next"]) == ([], 1, None)


@pytest.mark.attack
class TestNeverFull:
    async def test_rights_can_still_be_taken(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """However often owners rename themselves, role and password change and the account is deactivated."""
        admin, owner = people.admin.headers, people.candidate.headers
        for number in range(CHANGES):
            renamed = await client.patch("/v1/users/me", json={"name": f"n{number}"}, headers=owner)
            assert renamed.status_code == 200, renamed.text
        changed = await client.patch(address_of(people), json={"role": "interviewer"}, headers=admin)
        body = {"current_password": PASSWORD, "new_password": "ten blue bottles"}
        replaced = await client.post("/v1/users/me/password", json=body, headers=owner)
        ended = await client.patch(address_of(people), json={"active": False}, headers=admin)
        assert (changed.status_code, replaced.status_code, ended.status_code) == (200, 204, 200)
        assert (await client.get("/v1/users/me", headers=owner)).status_code == 401
        last = await history(client, people, limit=3, offset=CHANGES + 1)
        assert [entry["rev"] for entry in last["items"]] == [CHANGES + 2, CHANGES + 3, CHANGES + 4]
        assert last["total"] == CHANGES + 4

    async def test_account_stays_small(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Once the log has them, an account holds none of its changes, so that no number of them can fill it."""
        for number in range(CHANGES // 10):
            await client.patch("/v1/users/me", json={"name": f"n{number}"}, headers=people.candidate.headers)
        await drain(app)
        stored = await app.state.parley.database.users.find_one({"_id": people.candidate.id})
        assert (stored["history"], stored["rev"]) == ([], CHANGES // 10 + 1)
