"""What times, zones, durations and texts may be: accepted and answered as meant, or refused with 400, never 500."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from counts import rounds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley_interviews.testing import address_of, an_interview, create_interview

if TYPE_CHECKING:
    from conftest import People

SECRET = "never-to-be-seen-again"


async def post_interview(client: httpx.AsyncClient, people: People, **changes: Any) -> httpx.Response:
    return await client.post("/v1/interviews", json=an_interview(**changes), headers=people.admin.headers)


async def sent(client: httpx.AsyncClient, people: People, text: bytes) -> httpx.Response:
    """A body as these very bytes."""
    headers = people.admin.headers | {"Content-Type": "application/json"}
    return await client.post("/v1/interviews", content=text, headers=headers)


async def refused(client: httpx.AsyncClient, people: People, field: str, value: Any) -> None:
    """A value is refused where an interview is created and where it is updated, and isn't stored."""
    interview = await create_interview(client, people.admin)
    answers = [
        await post_interview(client, people, **{field: value}),
        await client.patch(address_of(interview), json={field: value}, headers=people.admin.headers),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error"), answer.text
        assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    after = await client.get(address_of(interview), headers=people.admin.headers)
    assert after.json() == interview


class TestScheduledAt:
    @pytest.mark.parametrize(
        ("written", "answered"),
        [
            ("2027-03-05T09:30:00Z", "2027-03-05T09:30:00Z"),
            ("2027-03-05t09:30:00z", "2027-03-05T09:30:00Z"),
            ("2027-03-05T09:30:00+00:00", "2027-03-05T09:30:00Z"),
            ("2027-03-05T09:30:00-00:00", "2027-03-05T09:30:00Z"),
            ("2027-03-05T09:30:00+05:45", "2027-03-05T03:45:00Z"),
            ("2027-03-05T00:30:00+14:00", "2027-03-04T10:30:00Z"),
            ("2027-12-31T23:30:00-12:00", "2028-01-01T11:30:00Z"),
            ("2028-02-29T09:30:00Z", "2028-02-29T09:30:00Z"),
            ("2027-03-05T09:30:00.1Z", "2027-03-05T09:30:00.100000Z"),
            ("2027-03-05T09:30:00.123999Z", "2027-03-05T09:30:00.123000Z"),
            ("2027-03-05T09:30:00.123999999Z", "2027-03-05T09:30:00.123000Z"),
            ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
            ("2000-01-01T00:00:00-01:00", "2000-01-01T01:00:00Z"),
            ("2100-12-31T23:59:59.999Z", "2100-12-31T23:59:59.999000Z"),
            ("2001-09-11T00:00:00Z", "2001-09-11T00:00:00Z"),
        ],
    )
    async def test_accepted(self, client: httpx.AsyncClient, people: People, written: str, answered: str) -> None:
        """An instant with an offset is answered in UTC, cut to milliseconds, and so on every later read."""
        created = await post_interview(client, people, scheduled_at=written)
        assert (created.status_code, created.json().get("scheduled_at")) == (201, answered), created.text
        read = await client.get(created.headers["Location"], headers=people.admin.headers)
        assert read.content == created.content
        again = await client.patch(
            created.headers["Location"], json={"scheduled_at": answered}, headers=people.admin.headers
        )
        assert again.json()["rev"] == 1

    @pytest.mark.parametrize(
        "written",
        [
            "2027-03-05T09:30:00",
            "2027-03-05",
            "2027-03-05 09:30:00Z",
            "20270305T093000Z",
            "2027-W10-5T09:30:00Z",
            "1999-12-31T23:59:59Z",
            "2000-01-01T00:00:00+00:01",
            "2101-01-01T00:00:00Z",
            "2100-12-31T23:59:59-00:01",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "0000-01-01T00:00:00Z",
            "2027-02-29T09:30:00Z",
            "2027-13-01T09:30:00Z",
            "2027-03-05T24:00:00Z",
            "2027-03-05T09:60:00Z",
            "2027-03-05T23:59:60Z",
            "2027-03-05T09:30:00+24:00",
            "2027-03-05T09:30:00+99:99",
            "2027-03-05T09:30:00 Europe/Berlin",
            " 2027-03-05T09:30:00Z",
            "２０２７-03-05T09:30:00Z",
            "+2027-03-05T09:30:00Z",
            "now",
            "",
            "1804239000",
            1804239000,
            1804239000.5,
            True,
            None,
            [],
            {},
            {"$date": "2027-03-05T09:30:00Z"},
        ],
        ids=repr,
    )
    async def test_refused(self, client: httpx.AsyncClient, people: People, written: Any) -> None:
        """What isn't an RFC 3339 instant with an offset in the years 2000 to 2100 is refused."""
        await refused(client, people, "scheduled_at", written)


class TestTimeZone:
    @pytest.mark.parametrize(
        "zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Argentina/Ushuaia", "Etc/GMT+12"]
    )
    async def test_accepted(self, client: httpx.AsyncClient, people: People, zone: str) -> None:
        """A key of the tz database is kept beside the instant, which it doesn't move."""
        interview = (await post_interview(client, people, time_zone=zone)).json()
        assert (interview["time_zone"], interview["scheduled_at"]) == (zone, "2027-03-05T09:30:00Z")

    @pytest.mark.parametrize(
        "zone",
        [
            "",
            "Berlin",
            "europe/berlin",
            "+01:00",
            "UTC+1",
            "Factory",
            "factory",
            "localtime",
            "posixrules",
            "posix/Europe/Berlin",
            "right/Europe/Berlin",
            "leapseconds",
            "tzdata.zi",
            "zone.tab",
            "SystemV/AST4",
            "../../etc/passwd",
            "/UTC",
            "UTC ",
            1,
        ],
    )
    async def test_refused(self, client: httpx.AsyncClient, people: People, zone: Any) -> None:
        """Anything else is refused: offsets, other spellings, this machine's own names, paths."""
        await refused(client, people, "time_zone", zone)

    async def test_every_key_is_known(self, client: httpx.AsyncClient, people: People) -> None:
        """All keys of the tz database that name a place or an offset are accepted, on whatever machine."""
        zones = [zone for zone in files("tzdata").joinpath("zones").read_text().split() if zone != "Factory"]
        assert len(zones) > 400
        interview = await create_interview(client, people.admin)
        for zone in zones[::50]:
            answer = await client.patch(address_of(interview), json={"time_zone": zone}, headers=people.admin.headers)
            assert answer.json()["time_zone"] == zone


class TestDuration:
    @pytest.mark.parametrize("minutes", [1, 60, 1440])
    async def test_accepted(self, client: httpx.AsyncClient, people: People, minutes: int) -> None:
        """An interview takes from a minute to a day."""
        assert (await post_interview(client, people, duration_minutes=minutes)).json()["duration_minutes"] == minutes

    @pytest.mark.parametrize(
        "minutes",
        [0, -1, 1441, 60.5, "60", True, 2**31, 2**63, -(2**63) - 1, 10**30, 1e300, [60], None],
        ids=repr,
    )
    async def test_refused(self, client: httpx.AsyncClient, people: People, minutes: Any) -> None:
        """Anything that isn't such a whole number is refused, however large it is."""
        await refused(client, people, "duration_minutes", minutes)


LONGEST = {"title": 200, "description": 5000, "notes": 5000, "location": 200}


class TestTexts:
    @pytest.mark.parametrize("field", LONGEST)
    async def test_longest(self, client: httpx.AsyncClient, people: People, field: str) -> None:
        """A text may be as long as documented, in characters of any kind, and comes back as it was."""
        for character in "ä🎈":
            text = character * LONGEST[field]
            assert (await post_interview(client, people, **{field: text})).json()[field] == text
        await refused(client, people, field, "ä" * (LONGEST[field] + 1))

    @pytest.mark.parametrize("field", LONGEST)
    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "\u3000\u00a0",
            "\u200b",
            "\u2800",
            "\u115f\u3164",
            "\u0301",
            "\U000e0061",
            "a\x00b",
            "a\x07",
            "\x1b[31m",
            "a\x7f",
            "a\x85b",
        ],
        ids=repr,
    )
    async def test_blank_and_control_characters(
        self, client: httpx.AsyncClient, people: People, field: str, text: str
    ) -> None:
        """Blank texts and control characters are refused in every text."""
        await refused(client, people, field, text)

    @pytest.mark.parametrize("field", ["title", "location"])
    @pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\rb", "a\u2028b"], ids=repr)
    async def test_lines(self, client: httpx.AsyncClient, people: People, field: str, text: str) -> None:
        """A value that is shown on one line contains no line break."""
        await refused(client, people, field, text)

    @pytest.mark.parametrize("field", ["title", "location"])
    async def test_direction(self, client: httpx.AsyncClient, people: People, field: str) -> None:
        """What names an interview or a place doesn't change the direction of text; joiners in it stay."""
        for control in ("\u061c", "\u200f", "\u202e", "\u2066"):
            await refused(client, people, field, f"Backend{control}")
        for text in ("عربي و עברית", "می\u200cخواهم", "👩🏽\u200d💻"):
            assert (await post_interview(client, people, **{field: text})).json()[field] == text

    async def test_own_words(self, client: httpx.AsyncClient, people: People) -> None:
        """Descriptions, notes and reasons are free as long as something of them is visible."""
        interview, text = await create_interview(client, people.admin), "\u2067שלום\u2069 \u200fx"
        changes = {"description": text, "notes": text, "reason": text}
        after = await client.patch(address_of(interview), json=changes, headers=people.admin.headers)
        assert (after.json()["description"], after.json()["notes"]) == (text, text)
        cancelled = {"status": "cancelled", "reason": "\u2800\u200b"}
        answer = await client.patch(f"{address_of(interview)}/status", json=cancelled, headers=people.admin.headers)
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("#/reason", "blank")]
        for field in ("description", "notes"):
            await refused(client, people, field, "\u200b\n\u2800")

    async def test_paragraphs(self, client: httpx.AsyncClient, people: People) -> None:
        """A description may have lines and comes back byte for byte."""
        text = "  1. Hello\r\n\t2. Questions\n"
        assert (await post_interview(client, people, description=text)).json()["description"] == text

    @pytest.mark.parametrize("field", LONGEST)
    @pytest.mark.parametrize("value", [1, True, ["a"], {"$gt": ""}], ids=repr)
    async def test_other_types(self, client: httpx.AsyncClient, people: People, field: str, value: Any) -> None:
        """A text is written as a string."""
        await refused(client, people, field, value)

    @pytest.mark.parametrize(
        "text", ["$title", "$$ROOT", "$where", "{'$gt': ''}", ".*", "a.b", "<b>", "%s", "{0}", "\\"]
    )
    async def test_special_texts(self, client: httpx.AsyncClient, people: People, text: str) -> None:
        """A text is never evaluated, neither when it is stored nor when it is changed."""
        interview = (await post_interview(client, people, title=text)).json()
        assert interview["title"] == text
        changes = {"description": text, "location": text, "reason": text}
        after = await client.patch(address_of(interview), json=changes, headers=people.admin.headers)
        assert (after.json()["description"], after.json()["location"]) == (text, text)
        history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        entry = history.json()["items"][-1]
        assert entry["changes"]["location"] == {"from": None, "to": text}
        assert entry["reason"] == text

    @pytest.mark.parametrize("kind", ["technical", "a", "0", "_-_", "x" * 50])
    async def test_interview_type(self, client: httpx.AsyncClient, people: People, kind: str) -> None:
        """The type is a word of the team's own."""
        assert (await post_interview(client, people, interview_type=kind)).json()["interview_type"] == kind

    @pytest.mark.parametrize(
        "kind", ["", "x" * 51, "Technical", "on site", "é", "a\n", "a.b", "$type", 1, None], ids=repr
    )
    async def test_no_interview_type(self, client: httpx.AsyncClient, people: People, kind: Any) -> None:
        """Any other text isn't one."""
        await refused(client, people, "interview_type", kind)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\nb", "a\x00", 1], ids=repr)
    async def test_reason(self, client: httpx.AsyncClient, people: People, reason: Any) -> None:
        """A reason is one line of at most 500 characters, wherever one is given."""
        interview = await create_interview(client, people.admin)
        for address, body in ((address_of(interview), {}), (f"{address_of(interview)}/status", {"status": "ongoing"})):
            answer = await client.patch(address, json=body | {"reason": reason}, headers=people.admin.headers)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/reason")


class TestNeverEchoed:
    @pytest.mark.parametrize(
        "value",
        [
            rb'"\ud800 never-to-be-seen-again"',
            rb'"\udfff\ud800"',
            b'"\xed\xa0\x80"',
            b"NaN",
            b"-Infinity",
            b"1e400",
            b"9" * 5000,
            b'"\x00"',
            rb'"\u0000never-to-be-seen-again"',
            b'"never-to-be-seen-again' + b"x" * 30000 + b'"',
            b'{"never-to-be-seen-again": 1}',
            b'["never-to-be-seen-again"]',
            b"[" * 400 + b"]" * 400,
        ],
        ids=lambda value: repr(value[:30]),
    )
    @pytest.mark.parametrize("field", ["title", "scheduled_at", "duration_minutes", "participants"])
    async def test_refused_value(self, client: httpx.AsyncClient, people: People, field: str, value: bytes) -> None:
        """A value that can't be encoded or stored is refused with 400, and the answer doesn't repeat it."""
        text = json.dumps(an_interview(**{field: "@"})).encode().replace(b'"@"', value)
        answer = await sent(client, people, text)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert SECRET not in answer.text
        assert len(answer.content) < 2000

    async def test_unknown_field(self, client: httpx.AsyncClient, people: People) -> None:
        """The name of an unknown field is reported where it is harmless, its value never."""
        body = an_interview(password=SECRET) | {"<script>" + "x" * 500: SECRET}
        answer = await client.post("/v1/interviews", json=body, headers=people.admin.headers)
        assert answer.status_code == 400
        assert {e["pointer"] for e in answer.json()["errors"]} == {"#/password", "#/?"}
        assert SECRET not in answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
VALUES = JSON | st.sampled_from(["2027-03-05T09:30:00Z", "Europe/Berlin", "technical", 60, "Backend engineer"])
FIELDS = [
    "title",
    "interview_type",
    "scheduled_at",
    "duration_minutes",
    "time_zone",
    "description",
    "notes",
    "location",
    "external_id",
]
BODIES = st.dictionaries(st.sampled_from([*FIELDS, "participants", "status", "reason"]), VALUES)
FUZZ = settings(
    max_examples=rounds(15, full=60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.attack
class TestAnything:
    @FUZZ
    @given(body=BODIES)
    async def test_create(self, client: httpx.AsyncClient, people: People, body: dict[str, Any]) -> None:
        """Whatever JSON a body contains, the answer is an interview that reads the same later, or 400."""
        text = json.dumps(an_interview() | body).encode()
        answer = await sent(client, people, text)
        assert answer.status_code in {201, 400}, answer.text
        if answer.status_code == 201:
            read = await client.get(answer.headers["Location"], headers=people.admin.headers)
            assert read.content == answer.content

    @FUZZ
    @given(body=BODIES)
    async def test_update(self, client: httpx.AsyncClient, people: People, body: dict[str, Any]) -> None:
        """Whatever JSON a change contains, it is made and reads the same later, or refused with 400."""
        address = address_of(await create_interview(client, people.admin))
        headers = people.admin.headers | {"Content-Type": "application/json"}
        answer = await client.patch(address, content=json.dumps(body).encode(), headers=headers)
        assert answer.status_code in {200, 400}, answer.text
        if answer.status_code == 200:
            assert (await client.get(address, headers=people.admin.headers)).content == answer.content

    @FUZZ
    @given(text=st.binary(max_size=200))
    async def test_bytes(self, client: httpx.AsyncClient, people: People, text: bytes) -> None:
        """Bytes that are no JSON are refused with 400 on every route that takes a body."""
        address = address_of(await create_interview(client, people.admin))
        headers = people.admin.headers | {"Content-Type": "application/json"}
        places = [("POST", "/v1/interviews"), ("PATCH", address), ("PATCH", f"{address}/status")]
        for method, place in [*places, ("POST", f"{address}/participants")]:
            answer = await client.request(method, place, content=b"\x00" + text, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
