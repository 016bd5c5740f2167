"""Who sees what of a history: everybody sees each entry, and candidates neither reasons nor the ids of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from parley_auth import Principal
from parley_auth.testing import Account, an_account
from parley_core import HistoryEntry
from parley_core.testing import NOON
from parley_interviews.history.presentation import shown_to
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import People

Entries = list[dict[str, Any]]
Place = Callable[[Entries], tuple[dict[str, Any], str]]


def _actor(number: int) -> Place:
    return lambda entries: (entries[number], "actor")


def _reason(number: int) -> Place:
    return lambda entries: (entries[number], "reason")


def _first(number: int) -> Place:
    return lambda entries: (entries[0]["changes"]["participants"]["to"][number], "user_id")


def _changed(number: int, side: str) -> Place:
    return lambda entries: (entries[number]["changes"]["participant"][side], "user_id")


# What one may see and another not, and whether VIEWERS see it, in their order.
VIEWERS = ("admin", "interviewer", "candidate", "newcomer", "former interviewer")
PLACES: Mapping[str, tuple[Place, str]] = {
    "who created it": (_actor(0), "yes yes no no no"),
    "who rescheduled it": (_actor(1), "yes yes no no no"),
    "why it was rescheduled": (_reason(1), "yes yes no no no"),
    "who added the newcomer": (_actor(2), "yes yes no no no"),
    "who started it": (_actor(3), "yes yes no no yes"),
    "who removed somebody": (_actor(4), "yes yes no no no"),
    "who completed it": (_actor(5), "yes yes no no no"),
    "why it was completed": (_reason(5), "yes yes no no no"),
    "the interviewer's id at creation": (_first(0), "yes yes no no no"),
    "the candidate's id at creation": (_first(1), "yes yes yes no no"),
    "the former interviewer's id at creation": (_first(2), "yes yes no no yes"),
    "the id at creation of somebody who was removed": (_first(3), "yes yes no no no"),
    "the newcomer's id when they were added": (_changed(2, "to"), "yes yes no yes no"),
    "the id of somebody when they were removed": (_changed(4, "from"), "yes yes no no no"),
}


class Row(NamedTuple):
    """Whether one viewer sees what stands in one place."""

    place: str
    viewer: str
    sees: bool

    def __str__(self) -> str:
        return f"{self.viewer}-{'sees' if self.sees else 'does not see'}-{self.place}".replace(" ", "_")


ROWS = [
    Row(p, v, s == "yes") for p, (_, all_of) in PLACES.items() for v, s in zip(VIEWERS, all_of.split(), strict=True)
]


@dataclass(frozen=True)
class Stage:
    """What each viewer reads of one interview's history."""

    histories: Mapping[str, Entries]
    ids: Mapping[str, str]

    def value(self, viewer: str, place: str) -> Any:
        parent, name = PLACES[place][0](self.histories[viewer])
        return parent[name]


@pytest.fixture(scope="module")
async def stage(app: FastAPI, client: httpx.AsyncClient) -> Stage:
    """An interview with every kind of entry, whose second interviewer is a candidate by now."""
    admin, interviewer, former = [await an_account(app, r) for r in ("admin", "interviewer", "interviewer")]
    candidate, newcomer, gone = [await an_account(app) for _ in range(3)]
    interview = await create_interview(client, admin, interviewer, candidate, former, gone)
    address = address_of(interview)
    for person, method, rest, body in (
        (admin, "PATCH", "", {"scheduled_at": "2027-03-09T08:00:00Z", "reason": "Illness"}),
        (admin, "POST", "/participants", {"user_id": newcomer.id}),
        (former, "PATCH", "/status", {"status": "ongoing"}),
        (admin, "DELETE", f"/participants/{gone.id}", None),
        (interviewer, "PATCH", "/status", {"status": "completed", "reason": "All said"}),
    ):
        assert (await client.request(method, address + rest, json=body, headers=person.headers)).is_success
    role = {"role": "candidate"}
    assert (await client.patch(f"/v1/users/{former.id}", json=role, headers=admin.headers)).is_success
    people = (admin, interviewer, candidate, newcomer, former)
    viewers: dict[str, Account] = dict(zip(VIEWERS, people, strict=True))
    histories = {
        viewer: (await client.get(f"{address}/history", headers=account.headers)).json()["items"]
        for viewer, account in viewers.items()
    }
    return Stage(histories, {viewer: account.id for viewer, account in viewers.items()})


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_table(stage: Stage, row: Row) -> None:
    """A viewer sees what the table says, and null in place of what they don't see."""
    whole = stage.value("admin", row.place)
    assert whole
    assert stage.value(row.viewer, row.place) == (whole if row.sees else None)


class TestTheTable:
    @pytest.mark.parametrize("viewer", VIEWERS)
    async def test_all_else_is_the_same(self, stage: Stage, viewer: str) -> None:
        """Nothing else differs between viewers: the same entries, instants, roles and values."""
        assert len(stage.histories[viewer]) == 6
        assert _without_places(stage.histories[viewer]) == _without_places(stage.histories["admin"])

    @pytest.mark.parametrize("viewer", ["candidate", "newcomer", "former interviewer"])
    async def test_no_other_id_anywhere(self, stage: Stage, viewer: str) -> None:
        """No other person's id stands anywhere in what a candidate reads, though the administrator reads all."""
        others = set(stage.ids.values()) - {stage.ids[viewer]}
        assert [other for other in others if other in str(stage.histories[viewer])] == []
        assert all(other in str(stage.histories["admin"]) for other in others)


def _without_places(entries: Entries) -> Entries:
    blank = deepcopy(entries)
    for place, _ in PLACES.values():
        parent, name = place(blank)
        parent[name] = None
    return blank


def named(user_id: str, interview_id: str | None) -> dict[str, str | None]:
    """An overlap as an entry names it."""
    return {"user_id": user_id, "interview_id": interview_id}


class TestChanges:
    """What no release has recorded yet, and what old ones have."""

    def entry(self, **changes: Any) -> HistoryEntry:
        return HistoryEntry(
            rev=1, type="interview.updated", at=NOON, actor=None, actor_role="system", reason=None, changes=changes
        )

    def shown(self, *, with_internals: bool, **changes: Any) -> dict[str, Any]:
        viewer, entry = Principal("me", "interviewer", "session"), self.entry(**changes)
        return dict(shown_to(viewer, entry, with_internals=with_internals, lists_all=False).changes)

    def test_an_unknown_field(self) -> None:
        """A field of which nobody decided that candidates may see it is hidden from them, and only from them."""
        notes = {"notes": {"from": None, "to": "Weak on indexes"}, "title": {"from": "A", "to": "B"}}
        assert self.shown(with_internals=False, **notes) == {"title": {"from": "A", "to": "B"}}
        assert self.shown(with_internals=True, **notes) == notes

    def test_a_participant_without_a_role(self) -> None:
        """A removal that was recorded without the role is shown, without anybody else's id."""
        removal = {"participant": {"from": {"user_id": "you"}, "to": None}}
        shown = {"participant": {"from": {"user_id": None, "participant_role": None}, "to": None}}
        assert self.shown(with_internals=False, **removal) == shown

    def test_overlaps(self) -> None:
        """Whose interviews overlap is internal; which ones, if they aren't the viewer's own, is for administrators."""
        all_of = {"conflicts": {"from": None, "to": [named("me", "a"), named("you", "a"), named("you", "b")]}}
        own = {"conflicts": {"from": None, "to": [named("me", "a"), named("you", None), named("you", None)]}}
        assert self.shown(with_internals=False, **all_of) == {}
        assert self.shown(with_internals=True, **all_of) == own
        administrator = Principal("me", "admin", "session")
        entry = self.entry(**all_of)
        assert shown_to(administrator, entry, with_internals=True, lists_all=True) == entry

    def test_a_digest(self) -> None:
        """A long text stays what it is in a history: its length and SHA-256."""
        change = {"description": {"from": {"length": 300, "sha256": "0f"}, "to": None}}
        assert self.shown(with_internals=False, **change) == change


async def test_pages_are_redacted_too(client: httpx.AsyncClient, people: People) -> None:
    """A candidate who reads one entry after the other gets the same total and the same redaction."""
    interview = await create_interview(client, people.admin, people.candidate)
    body = {"location": "Room 5", "reason": "Too loud"}
    await client.patch(address_of(interview), json=body, headers=people.admin.headers)
    address = f"{address_of(interview)}/history?limit=1&offset=1"
    page = (await client.get(address, headers=people.candidate.headers)).json()
    [entry] = page["items"]
    assert (page["total"], entry["rev"], entry["actor"], entry["reason"]) == (2, 2, None, None)
    assert entry["changes"] == {"location": {"from": None, "to": "Room 5"}}
