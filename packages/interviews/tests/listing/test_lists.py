"""The list of interviews over HTTP, compared with a naive model of it: pages, orders, filters, who sees what."""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley_auth.testing import Account, an_account
from parley_core.testing import NOON, MovableClock, links_of, walk
from parley_core.words import folded
from parley_interviews.testing import bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Deployment

UNKNOWN_ID = "0" * 24
KEYS = ("created_at", "updated_at", "scheduled_at", "title", "status")
STATUSES = ("scheduled", "ongoing", "completed", "cancelled")
TYPES = ("technical", "culture", "on-site_2")
TITLES = ("Backend engineer", "backend lead", "Zebra", "Lead of Quality", "Ärztin, 2nd round", "zébra")
INSTANTS = [f"2027-03-{day:02}T09:00:00Z" for day in range(1, 11)]
DURATIONS = (1, 60, 1439, 1440)
# On both sides of each begin and each end, and of the last changes.
EDGES = ("2027-03-05T08:59:59.999Z", "2027-03-05T09:00:00Z", "2027-03-05T09:00:00.001Z", "2027-03-05T10:00:00Z")
CHANGES = [f"2027-03-01T12:00:{second:02}Z" for second in (0, 5, 19)]
WORDS = (
    *("engineer", "LEAD", "backend", "backend engineer", "quality lead", "ärztin", "ÄRZTIN 2nd", "back", "arzt"),
    *("engineer backe", "2nd a", "back engineer", "nothing"),
)

Query = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Entry:
    """An interview as an administrator sees it, and who takes part in it."""

    interview: Mapping[str, Any]
    participants: frozenset[str]

    def __getitem__(self, name: str) -> Any:
        value = self.interview[name]
        if name == "title":
            return folded(value)
        return datetime.fromisoformat(value) if name.endswith("_at") else value


@dataclass(frozen=True, repr=False)
class Corpus:
    """All interviews of the module's database, and the people who may take part in them."""

    entries: Sequence[Entry]
    admin: Account
    others: Sequence[Account]

    def expected(self, viewer: Account, query: Query) -> list[str]:
        """The ids of all interviews that a query asks for, in order: the naive model."""
        visible = [e for e in self.entries if viewer is self.admin or viewer.id in e.participants]
        found = [entry for entry in visible if meets(entry, query)]
        names = str(query.get("sort", "-created_at")).split(",")
        last = "-" if names[-1].startswith("-") else ""
        for name in reversed([*names, f"{last}id"]):
            found.sort(key=operator.itemgetter(name.lstrip("-")), reverse=name.startswith("-"))
        return [str(entry["id"]) for entry in found]


def fold(text: str) -> str:
    return text.lower().replace("ä", "a").replace("ı", "i")


def meets(entry: Entry, query: Query) -> bool:
    """Whether an interview meets every filter of a query."""
    words = re.findall(r"\w+", fold(str(query.get("q", ""))))
    title = re.findall(r"\w+", fold(str(entry["title"])))
    return all(
        [
            not query.get("status") or entry["status"] in query["status"],
            not query.get("interview_type") or entry["interview_type"] in query["interview_type"],
            "scheduled_from" not in query or entry["scheduled_at"] >= datetime.fromisoformat(query["scheduled_from"]),
            "scheduled_to" not in query or entry["scheduled_at"] < datetime.fromisoformat(query["scheduled_to"]),
            "overlaps_from" not in query or entry["ends_at"] > datetime.fromisoformat(query["overlaps_from"]),
            "overlaps_to" not in query or entry["scheduled_at"] < datetime.fromisoformat(query["overlaps_to"]),
            "updated_from" not in query or entry["updated_at"] >= datetime.fromisoformat(query["updated_from"]),
            "participant_id" not in query or query["participant_id"] in entry.participants,
            all(word in title for word in words[:-1]),
            not words or any(word.startswith(words[-1]) for word in title if len(words[-1]) > 1 or len(word) == 1),
        ]
    )


@pytest.fixture(scope="module")
async def corpus(app: FastAPI, client: httpx.AsyncClient, deployment: Deployment) -> Corpus:
    """60 interviews whose values and participants combine in many ways, several of them created at the same instant."""
    admin = await an_account(app, "admin")
    others = [await an_account(app, role) for role in ("interviewer", "interviewer", "candidate")]
    entries = []
    for n in range(60):
        if n % 3 == 0:
            deployment.clock.move(timedelta(seconds=1))
        details = {
            "title": TITLES[n % 6],
            "interview_type": TYPES[n % 4 % 3],
            "scheduled_at": INSTANTS[n * 7 % 10],
            "duration_minutes": DURATIONS[n % 4],
        }
        people = [account for bit, account in enumerate(others) if n >> bit & 1]
        created = await create_interview(client, admin, *people, **details)
        await bring_to(client, admin, created["id"], STATUSES[n // 5 % 4])
        interview = await client.get(f"/v1/interviews/{created['id']}", headers=admin.headers)
        entries.append(Entry(interview.json(), frozenset(account.id for account in people)))
    return Corpus(entries, admin, others)


async def get(client: httpx.AsyncClient, viewer: Account, query: Query) -> httpx.Response:
    return await client.get("/v1/interviews", params=dict(query), headers=viewer.headers)


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def check(client: httpx.AsyncClient, corpus: Corpus, viewer: Account, query: Query) -> None:
    """A page equals the model's: items in their order, total and next page."""
    answer = await get(client, viewer, query)
    expected = corpus.expected(viewer, query)
    limit, offset = query.get("limit", 20), query.get("offset", 0)
    page = answer.json()
    assert ids(answer) == expected[offset : offset + limit]
    assert (page["total"], page["limit"], page["offset"]) == (len(expected), limit, offset)
    assert (page["next"] is not None) == (offset + limit < len(expected))
    if page["next"]:
        kept = [(name, value) for name, value in parse_qsl(urlsplit(page["next"]).query) if name != "cursor"]
        sent = [(name, value) for name, value in parse_qsl(answer.request.url.query.decode()) if name != "offset"]
        assert kept == sent
        assert ids(await client.get(page["next"], headers=viewer.headers)) == expected[offset + limit :][:limit]


class TestPages:
    @pytest.mark.parametrize("limit", [1, 7, 20, 59, 60, 61, 100])
    async def test_walk_by_offset(self, client: httpx.AsyncClient, corpus: Corpus, limit: int) -> None:
        """Walking by offset over an unchanged set gives each item once, newest first."""
        seen: list[str] = []
        while page := ids(await get(client, corpus.admin, {"limit": limit, "offset": len(seen)})):
            seen += page
        assert seen == corpus.expected(corpus.admin, {})
        assert len(seen) == 60

    @pytest.mark.parametrize("limit", [1, 7, 30, 60, 100])
    async def test_walk_along_next(self, client: httpx.AsyncClient, corpus: Corpus, limit: int) -> None:
        """Walking along `next` gives each item once too, and each page says its offset."""
        seen: list[str] = []
        async for answer in walk(client, f"/v1/interviews?limit={limit}", headers=corpus.admin.headers):
            assert (answer.json()["offset"], answer.json()["total"]) == (len(seen), 60)
            seen += ids(answer)
        assert seen == corpus.expected(corpus.admin, {})

    @pytest.mark.parametrize("offset", [60, 61, 1000, 2**31 - 1])
    async def test_beyond_the_end(self, client: httpx.AsyncClient, corpus: Corpus, offset: int) -> None:
        """A page beyond the end has no items, the right total and no next page."""
        answer = await get(client, corpus.admin, {"offset": offset})
        assert answer.json() == {"items": [], "total": 60, "limit": 20, "offset": offset, "next": None}
        assert links_of(answer).keys() == {"first", "prev", "last"}

    @pytest.mark.parametrize("name", ["limit", "offset"])
    @pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "1e1", "1;2", "NaN", "9" * 30, "2147483648"])
    async def test_bad_numbers(self, client: httpx.AsyncClient, corpus: Corpus, name: str, value: str) -> None:
        """A limit outside of 1 to 100, an offset below 0 and what is no number are refused."""
        answer = await get(client, corpus.admin, {name: value})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == f"?{name}"

    @pytest.mark.parametrize("limit", ["0", "101"])
    async def test_limits_of_limit(self, client: httpx.AsyncClient, corpus: Corpus, limit: str) -> None:
        """The limit is 1 to 100."""
        assert (await get(client, corpus.admin, {"limit": limit})).json()["code"] == "validation_error"

    async def test_link_keeps_repeated_filters(self, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """`Link` (RFC 8288) and `next` lead to one address, which keeps every filter, repeated and encoded ones too."""
        query = {
            "status": ["scheduled", "cancelled"],
            "interview_type": ["technical", "on-site_2"],
            "scheduled_from": "2027-03-01T10:00:00+01:00",
            "limit": 2,
        }
        answer = await get(client, corpus.admin, query)
        following = answer.json()["next"]
        assert links_of(answer)["next"] == f"http://test{following}"
        pairs = parse_qsl(urlsplit(following).query)
        assert pairs[:-1] == [
            ("status", "scheduled"),
            ("status", "cancelled"),
            ("interview_type", "technical"),
            ("interview_type", "on-site_2"),
            ("scheduled_from", "2027-03-01T10:00:00+01:00"),
            ("limit", "2"),
        ]
        assert pairs[-1][0] == "cursor"
        await check(client, corpus, corpus.admin, query)

    async def test_an_item_is_what_its_own_address_answers(self, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """An item equals what its viewer reads one by one, including the transitions that they may make."""
        for viewer in (corpus.admin, *corpus.others):
            for item in (await get(client, viewer, {"limit": 8})).json()["items"]:
                alone = await client.get(f"/v1/interviews/{item['id']}", headers=viewer.headers)
                assert alone.json() == item


SORTS = [
    ",".join(sign + key for sign, key in zip(signs, keys, strict=True))
    for length in (1, 2)
    for keys in itertools.permutations(KEYS, length)
    for signs in itertools.product(("", "-"), repeat=length)
]


class TestSort:
    @pytest.mark.parametrize("sort", [*SORTS, "title,-status,scheduled_at,-created_at", "status,-title,created_at"])
    async def test_orders(self, client: httpx.AsyncClient, corpus: Corpus, sort: str) -> None:
        """Every key and every pair of keys, in both directions, sorts as the model does, for admins and for others."""
        for viewer in (corpus.admin, corpus.others[0]):
            await check(client, corpus, viewer, {"sort": sort, "limit": 25})

    @pytest.mark.parametrize(
        "sort",
        [
            *("", "-", "x", "_id", "id", "title,", ",title", "title,title", "title,-title", "--title", "+title"),
            *(
                "title:1",
                "title status",
                "$natural",
                "participants.user_id",
                "history",
                "Title",
                "title\x00",
                "x" * 5000,
            ),
        ],
        ids=lambda sort: repr(sort[:20]),
    )
    async def test_refused(self, client: httpx.AsyncClient, corpus: Corpus, sort: str) -> None:
        """Any other order is refused: unknown, repeated and empty keys."""
        answer = await get(client, corpus.admin, {"sort": sort})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sort")


class TestFilters:
    @pytest.mark.parametrize(
        "query",
        [
            *({"status": [status]} for status in STATUSES),
            {"status": ["scheduled", "ongoing"]},
            {"status": list(STATUSES)},
            *({"interview_type": [kind]} for kind in TYPES),
            {"interview_type": ["technical", "unknown"]},
            {"scheduled_from": "2027-03-05T09:00:00Z"},
            {"scheduled_to": "2027-03-05T09:00:00Z"},
            {"scheduled_from": "2027-03-03T09:00:00Z", "scheduled_to": "2027-03-05T09:00:00.001Z"},
            {"scheduled_from": "2027-03-05T10:00:00+01:00", "scheduled_to": "2027-03-05T09:00:00Z"},
            *({"overlaps_from": instant} for instant in EDGES),
            *({"overlaps_to": instant} for instant in EDGES),
            *({"overlaps_from": first, "overlaps_to": last} for first, last in itertools.combinations(EDGES, 2)),
            {"overlaps_from": EDGES[0], "overlaps_to": EDGES[3], "scheduled_from": EDGES[1], "scheduled_to": EDGES[2]},
            {"overlaps_from": "2000-01-01T00:00:00Z", "overlaps_to": "2100-01-01T00:00:00Z"},
            *({"updated_from": instant} for instant in CHANGES),
            {"updated_from": CHANGES[1], "sort": "updated_at", "overlaps_from": EDGES[0]},
            *({"q": words} for words in WORDS),
            {"status": ["scheduled"], "interview_type": ["technical"], "q": "lead", "sort": "title"},
        ],
        ids=repr,
    )
    async def test_each(self, client: httpx.AsyncClient, corpus: Corpus, query: Query) -> None:
        """Each filter lists what meets it and nothing else, for administrators and for participants."""
        for viewer in (corpus.admin, *corpus.others):
            await check(client, corpus, viewer, query)

    async def test_participant_id(self, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """An administrator lists one person's interviews; somebody unknown has none."""
        for person in (*corpus.others, corpus.admin):
            await check(client, corpus, corpus.admin, {"participant_id": person.id, "limit": 100})
        assert ids(await get(client, corpus.admin, {"participant_id": UNKNOWN_ID})) == []

    async def test_participant_id_of_others(self, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """Only administrators may filter by participant; others may not even name themselves."""
        for viewer in corpus.others:
            for person in (*corpus.others, corpus.admin):
                answer = await get(client, viewer, {"participant_id": person.id})
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_filter")

    @pytest.mark.parametrize(
        "name",
        [
            *("x", "title", "updated_by", "participants.user_id", "status[$ne]", "status[]", "$where", "filter"),
            *("Status", "", "interview_type[$regex]", "_id", "history", "page", "status\x00"),
        ],
    )
    async def test_unknown(self, client: httpx.AsyncClient, corpus: Corpus, name: str) -> None:
        """A filter that doesn't exist is refused rather than ignored."""
        for viewer in (corpus.admin, corpus.others[0]):
            answer = await get(client, viewer, {name: "x"})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_filter")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "paused"),
            ("status", ""),
            ("status", "scheduled,ongoing"),
            ("status", '{"$ne": "x"}'),
            ("status", ["scheduled"] * 5),
            ("interview_type", "Technical"),
            ("interview_type", "tech.*"),
            ("interview_type", "$type"),
            ("interview_type", ["a"] * 21),
            ("scheduled_from", "2027-03-05"),
            ("scheduled_from", "2027-03-05T09:00:00"),
            ("scheduled_from", ["2027-03-05T09:00:00Z"] * 2),
            ("scheduled_to", "1999-01-01T00:00:00Z"),
            ("scheduled_to", "1804239000"),
            ("scheduled_to", ""),
            ("overlaps_from", "2027-03-05"),
            ("overlaps_to", "now"),
            ("updated_from", "1999-12-31T23:59:59Z"),
            ("updated_from", ""),
            ("participant_id", "x"),
            ("participant_id", '{"$gt": ""}'),
            ("participant_id", ""),
            ("q", ""),
            ("q", "  "),
            ("q", ".*"),
            ("q", "$"),
            ("q", "x" * 201),
        ],
    )
    async def test_bad_values(self, client: httpx.AsyncClient, corpus: Corpus, name: str, value: Any) -> None:
        """A value that the filter can't have is malformed input."""
        answer = await get(client, corpus.admin, {name: value})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["pointer"].startswith(f"?{name}")

    @pytest.mark.parametrize("end", ["2027-03-05T09:00:00Z", "2027-03-05T08:00:00Z", "2027-03-05T09:59:59+01:00"])
    async def test_a_span_that_ends_before_it_begins(self, client: httpx.AsyncClient, corpus: Corpus, end: str) -> None:
        """A span without an instant in it is refused, and its end named."""
        answer = await get(client, corpus.admin, {"overlaps_from": "2027-03-05T09:00:00Z", "overlaps_to": end})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["?overlaps_to"]

    @pytest.mark.parametrize("name", ["scheduled_from", "scheduled_to", "updated_from", "overlaps_from", "overlaps_to"])
    async def test_lost_plus(self, client: httpx.AsyncClient, corpus: Corpus, name: str) -> None:
        """A + that was sent as it is arrives as a space: the message says how to send it."""
        url = f"/v1/interviews?{name}=2027-03-05T09:00:00"
        refused = await client.get(f"{url}+02:00", headers=corpus.admin.headers)
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["pointer"], "%2B" in error["message"]) == (400, f"?{name}", True)
        assert (await client.get(f"{url}%2B02:00", headers=corpus.admin.headers)).status_code == 200

    @pytest.mark.parametrize(
        "words",
        [
            *("back.*", "^backend", "engineer$", "b|l", "(a+)+$", "[a-z]+", "backend engineer)", '{"$gt": ""}'),
            *("$ne lead", "title_words", "/engineer/i", "engin%", "engin*", "'; return true; //", "\\w+"),
        ],
    )
    async def test_words_are_no_patterns(self, client: httpx.AsyncClient, corpus: Corpus, words: str) -> None:
        """What looks like an operator or a pattern is words like any other."""
        await check(client, corpus, corpus.admin, {"q": words})

    async def test_patterns_cost_nothing(self, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """A text that would take a backtracking matcher years is compared as a word."""
        answer = await get(client, corpus.admin, {"q": "a" * 150 + "(a+)+$"})
        assert ids(answer) == []
        assert answer.elapsed < timedelta(seconds=2)


QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3),
        "interview_type": st.lists(st.sampled_from((*TYPES, "unknown")), min_size=1, max_size=3),
        "scheduled_from": st.sampled_from(INSTANTS),
        "scheduled_to": st.sampled_from(INSTANTS),
        "overlaps_from": st.sampled_from([*INSTANTS[:5], *EDGES[:2]]),
        "overlaps_to": st.sampled_from([*INSTANTS[5:], *EDGES[2:]]),
        "updated_from": st.sampled_from(CHANGES),
        "q": st.sampled_from(WORDS),
        "sort": st.permutations(KEYS).flatmap(lambda keys: st.integers(1, 4).map(lambda n: ",".join(keys[:n]))),
        "limit": st.integers(1, 100),
        "offset": st.integers(0, 65),
    },
)
FUZZ = settings(
    max_examples=rounds(30, full=150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestVisibility:
    @pytest.mark.attack
    @FUZZ
    @given(query=QUERIES, who=st.integers(0, 2))
    async def test_own_interviews_alone(
        self, client: httpx.AsyncClient, corpus: Corpus, query: Query, who: int
    ) -> None:
        """For a participant, items, total and next page are as if only their own interviews existed."""
        await check(client, corpus, corpus.others[who], query)

    @pytest.mark.attack
    @FUZZ
    @given(query=QUERIES, person=st.integers(0, 2) | st.none())
    async def test_all_for_administrators(
        self, client: httpx.AsyncClient, corpus: Corpus, query: Query, person: int | None
    ) -> None:
        """An administrator lists everything that the filters match, in any combination."""
        chosen = {} if person is None else {"participant_id": corpus.others[person].id}
        await check(client, corpus, corpus.admin, {**query, **chosen})

    async def test_an_administrators_cursor_opens_nothing(self, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """A cursor from an administrator's list continues in one's own list alone."""
        following = (await get(client, corpus.admin, {"limit": 1})).json()["next"]
        newest = corpus.expected(corpus.admin, {})[0]
        for viewer in corpus.others:
            answer = await client.get(following.replace("limit=1", "limit=100"), headers=viewer.headers)
            mine = corpus.expected(viewer, {})
            assert ids(answer) == [i for i in mine if i != newest]
            assert answer.json()["total"] == len(mine)

    async def test_who_takes_part_in_nothing(self, app: FastAPI, client: httpx.AsyncClient, corpus: Corpus) -> None:
        """Somebody without interviews sees none, whatever the query."""
        stranger = await an_account(app)
        for query in ({}, {"status": list(STATUSES)}, {"q": "engineer"}, {"sort": "title"}, {"offset": 3}):
            answer = await get(client, stranger, query)
            assert (ids(answer), answer.json()["total"], answer.json()["next"]) == ([], 0, None)

    def test_model_notices(self, corpus: Corpus, clock: MovableClock) -> None:
        """The model tells viewers, filters and orders apart, so that the checks above can fail."""
        assert clock() > NOON
        mine = [corpus.expected(viewer, {}) for viewer in (corpus.admin, *corpus.others)]
        assert sorted(map(len, mine)) == [28, 30, 30, 60]
        assert len({tuple(m) for m in mine}) == 4
        assert len({tuple(corpus.expected(corpus.admin, {"sort": sort})) for sort in SORTS}) >= 50
        assert all(corpus.expected(corpus.admin, {"q": words}) for words in WORDS[:-3])
