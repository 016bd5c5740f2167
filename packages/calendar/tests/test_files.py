"""An interview as a calendar file: one UID for ever, and a SEQUENCE that grows with the schedule."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import Calendars, People

    from parley_auth.testing import Account
    from parley_core import Database


async def change(client: httpx.AsyncClient, admin: Account, address: str, **changes: Any) -> None:
    """Change the details of an interview, or its status."""
    target = f"{address}/status" if "status" in changes else address
    assert (await client.patch(target, json=changes, headers=admin.headers)).status_code == 200


class TestVersions:
    async def test_of_one_interview(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """Created, retitled, moved twice, cancelled: 0, 0, 1, 2, 3, one UID, cancelled at the end."""
        interview = await create_interview(client, people.admin, people.interviewer)
        steps: list[dict[str, Any]] = [
            {},
            {"title": "Another title"},
            {"scheduled_at": "2027-03-05T11:00:00Z"},
            {"duration_minutes": 90},
            {"status": "cancelled"},
        ]
        seen, address = [], address_of(interview)
        for step in steps:
            if step:
                await change(client, people.admin, address, **step)
            [event] = calendars.events_in(await calendars.file(address, people.interviewer))
            seen.append(event)
        assert [event["SEQUENCE"] for event in seen] == [0, 0, 1, 2, 3]
        assert {str(event["UID"]) for event in seen} == {f"{interview['id']}@parley"}
        assert [str(event["STATUS"]) for event in seen] == [*["CONFIRMED"] * 4, "CANCELLED"]
        begins = ["2027-03-05T09:30:00Z"] * 2 + ["2027-03-05T11:00:00Z"] * 3
        assert [event.start for event in seen] == [datetime.fromisoformat(begin) for begin in begins]

    async def test_stamp_is_the_last_change(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People
    ) -> None:
        """DTSTAMP is when the interview last changed, so that two files of one version are the same bytes."""
        interview = await create_interview(client, people.admin, people.interviewer)
        first, second = [await calendars.file(address_of(interview), people.interviewer) for _ in range(2)]
        assert first.content == second.content
        [event] = calendars.events_in(first)
        changed_at = datetime.fromisoformat(interview["updated_at"])
        assert changed_at.replace(microsecond=0) == event.DTSTAMP


class TestInstants:
    @pytest.mark.parametrize(
        ("scheduled_at", "expected"),
        [("2027-10-31T02:30:00+02:00", "20271031T003000Z"), ("2027-10-31T02:30:00+01:00", "20271031T013000Z")],
        ids=["first", "second"],
    )
    async def test_an_hour_that_occurs_twice(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, scheduled_at: str, expected: str
    ) -> None:
        """Times are in UTC, so that the night in which clocks go back has no wrong hour; the zone is in the text."""
        interview = await create_interview(
            client, people.admin, people.interviewer, scheduled_at=scheduled_at, time_zone="Europe/Berlin"
        )
        answer = await calendars.file(address_of(interview), people.interviewer)
        assert f"DTSTART:{expected}\r\n" in answer.text
        assert calendars.events_in(answer)[0]["DESCRIPTION"] == "Time zone: Europe/Berlin"


class TestContent:
    async def test_texts(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """Commas, quotes, line breaks and what looks like iCalendar come back as they were."""
        texts = {
            "title": "END:VEVENT, \\N; BEGIN:VEVENT \N{GRINNING FACE}" * 4,
            "description": "first, line\r\nEND:VEVENT\n\\n",
            "location": 'Room "4"; 2nd floor',
        }
        interview = await create_interview(client, people.admin, people.interviewer, **texts)
        answer = await calendars.file(address_of(interview), people.interviewer)
        [event] = calendars.events_in(answer)
        assert event["SUMMARY"] == texts["title"]
        assert event["DESCRIPTION"] == "first, line\nEND:VEVENT\n\\n\n\nTime zone: UTC"
        assert event["LOCATION"] == texts["location"]
        assert max(map(len, answer.content.split(b"\r\n"))) <= 75

    async def test_nothing_internal(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """Neither notes nor anybody's address or name are in it, whoever reads it; everybody reads the same."""
        interview = await create_interview(
            client, people.admin, people.interviewer, people.candidate, notes="secret notes"
        )
        accounts = [people.admin, people.interviewer, people.candidate]
        answers = [await calendars.file(address_of(interview), account) for account in accounts]
        assert len({answer.content for answer in answers}) == 1
        users = [account.user for account in accounts]
        for text in ["secret notes", *(user.email for user in users), *(user.name or user.id for user in users)]:
            assert text not in answers[0].text

    async def test_an_old_document(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, database: Database
    ) -> None:
        """What an earlier release didn't store has the default that the interview itself is answered with."""
        interview = await create_interview(client, people.admin, people.interviewer)
        left = {"_id": 1, "status": 1, "rev": 1, "participants": 1}
        stored = await database["interviews"].find_one({"_id": interview["id"]}, left)
        assert stored is not None
        await database["interviews"].replace_one({"_id": interview["id"]}, stored)
        [event] = calendars.events_in(await calendars.file(address_of(interview), people.interviewer))
        assert (event["SUMMARY"], event["SEQUENCE"]) == ("", 0)


class TestConditional:
    async def test_not_modified(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """The tag of the last answer brings 304 until the interview changes, and never to whoever may not read it."""
        interview = await create_interview(client, people.admin, people.interviewer)
        address = address_of(interview)
        etag = (await calendars.file(address, people.interviewer)).headers["ETag"]
        again = await calendars.file(address, people.interviewer, **{"If-None-Match": f'"other", W/{etag}'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        refused = await calendars.file(address, people.candidate, **{"If-None-Match": etag})
        assert refused.json()["code"] == "not_a_participant"
        await change(client, people.admin, address, title="Another")
        changed = await calendars.file(address, people.interviewer, **{"If-None-Match": etag})
        assert (changed.status_code, changed.headers["ETag"] == etag) == (200, False)

    async def test_headers(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """Nobody keeps it unasked, lists it or passes its address on; HEAD has the same without the body."""
        interview = await create_interview(client, people.admin, people.interviewer)
        feed = await calendars.create(people.interviewer)
        for address in (f"{address_of(interview)}/calendar.ics", feed["url"]):
            get, head = [await client.request(m, address, headers=people.interviewer.headers) for m in ("GET", "HEAD")]
            assert get.headers["Content-Type"] == "text/calendar; charset=utf-8"
            assert get.headers["Cache-Control"] == "private, no-cache"
            assert get.headers["Referrer-Policy"] == "no-referrer"
            assert get.headers["X-Robots-Tag"] == "noindex"
            assert (head.status_code, head.content) == (200, b"")
            skipped = {"x-request-id"}
            assert {**head.headers}.keys() == {**get.headers}.keys()
            assert all(head.headers[name] == value for name, value in get.headers.items() if name not in skipped)
        assert feed["url"].startswith("http://test/v1/calendar/feeds/")
