"""Posting and reading over HTTP: what is answered, what is kept, what is refused, and how pages follow each other."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from counts import rounds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley_core import new_id
from parley_core.testing import links_of, walk

if TYPE_CHECKING:
    import httpx
    from conftest import Chat

    from parley_auth.testing import Account
    from parley_core.testing import MovableClock

LONGEST = 8000


def seqs(page: httpx.Response) -> list[int]:
    assert page.status_code == 200, page.text
    return [message["seq"] for message in page.json()["items"]]


async def raw(chat: Chat, room: str, sender: Account, body: bytes) -> httpx.Response:
    headers = {**sender.headers, "Content-Type": "application/json"}
    return await chat.client.post(f"/v1/interviews/{room}/messages", content=body, headers=headers)


class TestPost:
    async def test_answer(self, chat: Chat, clock: MovableClock) -> None:
        """A post answers the message as it is stored, and reading answers the same."""
        member = await chat.account()
        room = await chat.room(member)
        clock.move(timedelta(milliseconds=7))
        answer = await chat.post(room, member, "Good morning")
        assert answer.status_code == 201, answer.text
        message = answer.json()
        assert len(message.pop("id")) == 24
        assert message == {
            "interview_id": room,
            "seq": 1,
            "sender_id": member.id,
            "content": "Good morning",
            "created_at": "2027-03-01T12:00:00.007000Z",
        }
        assert (await chat.read(room, member)).json()["items"] == [answer.json()]

    async def test_conversation(self, chat: Chat) -> None:
        """All who take part write into one log, and each reads all of it."""
        members = [await chat.account(role) for role in ("admin", "interviewer", "candidate")]
        room = await chat.room(*members)
        for number, sender in enumerate(members * 2):
            assert (await chat.post(room, sender, f"{number}")).json()["seq"] == number + 1
        pages = [(await chat.read(room, reader)).json()["items"] for reader in members]
        assert [message["content"] for message in pages[0]] == list("012345")
        assert pages[0] == pages[1] == pages[2]

    async def test_logs_are_separate(self, chat: Chat) -> None:
        """Each interview counts by itself and shows its own messages only."""
        member = await chat.account()
        rooms = [await chat.room(member), await chat.room(member)]
        for room in rooms:
            assert (await chat.post(room, member, room)).json()["seq"] == 1
        for room in rooms:
            page = (await chat.read(room, member)).json()
            assert (page["total"], [message["content"] for message in page["items"]]) == (1, [room])


class TestContent:
    @pytest.mark.attack
    @given(content=st.text(max_size=300).map(lambda text: f"{text}."))
    @settings(
        max_examples=rounds(15, full=60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    async def test_any_text(self, chat: Chat, content: str) -> None:
        """Whatever text is posted comes back as it was, from the post and from the log."""
        member = await chat.account()
        room = await chat.room(member)
        answer = await chat.post(room, member, content)
        assert answer.status_code == 201, answer.text
        assert answer.json()["content"] == content
        assert (await chat.read(room, member)).json()["items"][0]["content"] == content

    @pytest.mark.parametrize(
        "content",
        [
            " \t leading and trailing \n",
            "\x00\x01\x1b[31m\x7f\x85",
            "\r\n\u2028\u2029\ufeff.",
            "👩🏽\u200d💻 e\u0301 \u202e \U0010ffff",
            '"$where": {"$gt": ""} $content \\u0041',
            "x",
            "ä" * LONGEST,
            "😀" * LONGEST,
        ],
        ids=["space", "controls", "separators", "emoji", "operators", "shortest", "longest", "widest"],
    )
    async def test_exact(self, chat: Chat, content: str) -> None:
        """Nothing is stripped, normalised, escaped or interpreted."""
        member = await chat.account()
        room = await chat.room(member)
        answer = await raw(chat, room, member, json.dumps({"content": content}, ensure_ascii=False).encode())
        assert answer.status_code == 201, answer.text
        assert answer.json()["content"] == content
        assert (await chat.read(room, member)).json()["items"][0]["content"] == content

    @pytest.mark.parametrize(
        "body",
        [
            b'{"content": ""}',
            b'{"content": " \\n\\t"}',
            b'{"content": "\\u200b\\u2800\\u3164"}',
            b'{"content": "\\u202e\\u0301\\ufe0f"}',
            json.dumps({"content": "x" * (LONGEST + 1)}).encode(),
            b"{}",
            b'{"content": null}',
            b'{"content": 1}',
            b'{"content": ["x"]}',
            b'{"content": {"$gt": ""}}',
            b'{"content": "\\ud800"}',
            b'{"content": "\xff"}',
            b'{"content": "x"',
            b"[]",
            b'"x"',
            b"",
            *(json.dumps({"content": "x", field: 1}).encode() for field in ("seq", "id", "sender_id", "created_at")),
        ],
    )
    async def test_refused(self, chat: Chat, body: bytes) -> None:
        """Anything but one text of 1 to 8,000 characters is 400, isn't echoed, and leaves the log as it was."""
        member = await chat.account()
        room = await chat.room(member)
        answer = await raw(chat, room, member, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert "xxx" not in answer.text
        assert await chat.stored(room) == []
        assert (await chat.post(room, member)).json()["seq"] == 1

    async def test_body_too_large(self, chat: Chat) -> None:
        """A body over 256 KiB is 413, although its text may be short enough."""
        member = await chat.account()
        room = await chat.room(member)
        answer = await raw(chat, room, member, b'{"content": "x"}' + b" " * 256 * 1024)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert await chat.stored(room) == []

    @pytest.mark.parametrize("character", ["😀", ",", "\\", '"', "["])
    async def test_longest_however_escaped(self, chat: Chat, character: str) -> None:
        """8,000 characters fit, whatever they are and however a client's JSON escapes them."""
        member = await chat.account()
        room = await chat.room(member)
        spelt = "".join(f"\\u{unit:04x}" for unit in memoryview(character.encode("utf-16-le")).cast("H"))
        for body in (json.dumps({"content": character * LONGEST}), '{"content": "' + spelt * LONGEST + '"}'):
            answer = await raw(chat, room, member, body.encode())
            assert (answer.status_code, answer.json().get("content")) == (201, character * LONGEST)


@pytest.fixture
async def ada(chat: Chat) -> Account:
    return await chat.account("interviewer")


@pytest.fixture
async def bob(chat: Chat) -> Account:
    return await chat.account()


@pytest.fixture
async def room(chat: Chat, ada: Account, bob: Account) -> str:
    """A room with 30 messages; Bob wrote the odd ones."""
    room = await chat.room(ada, bob)
    await chat.fill(room, [ada, bob], 30)
    return room


class TestPages:
    async def test_default(self, chat: Chat, room: str, ada: Account) -> None:
        """Without parameters a page contains the 20 oldest messages and the address of the next page."""
        answer = await chat.read(room, ada)
        assert seqs(answer) == list(range(1, 21))
        page, following = answer.json(), f"/v1/interviews/{room}/messages?offset=20"
        assert (page["total"], page["limit"], page["offset"], page["next"]) == (30, 20, 0, following)
        assert links_of(answer)["next"] == f"http://test{following}"

    @pytest.mark.parametrize(
        ("query", "expected", "total"),
        [
            ({"limit": 3}, [1, 2, 3], 30),
            ({"limit": 3, "offset": 10}, [11, 12, 13], 30),
            ({"limit": 3, "sort": "-seq"}, [30, 29, 28], 30),
            ({"limit": 3, "sort": "-seq", "offset": 10}, [20, 19, 18], 30),
            ({"limit": 3, "offset": 28}, [29, 30], 30),
            ({"limit": 3, "sort": "-seq", "offset": 28}, [2, 1], 30),
            ({"limit": 3, "offset": 30}, [], 30),
            ({"limit": 3, "offset": 2**31 - 1, "sort": "-seq"}, [], 30),
            ({"after_seq": 27}, [28, 29, 30], 3),
            ({"after_seq": 20, "limit": 2, "offset": 3}, [24, 25], 10),
            ({"after_seq": 20, "limit": 2, "offset": 3, "sort": "-seq"}, [27, 26], 10),
            ({"before_seq": 4}, [1, 2, 3], 3),
            ({"before_seq": 20, "limit": 2, "sort": "-seq"}, [19, 18], 19),
            ({"before_seq": 20, "after_seq": 15}, [16, 17, 18, 19], 4),
            ({"before_seq": 20, "after_seq": 15, "sort": "-seq", "offset": 3}, [16], 4),
            ({"before_seq": 20, "after_seq": 15, "offset": 4}, [], 4),
            ({"before_seq": 15, "after_seq": 20}, [], 0),
            ({"before_seq": 0}, [], 0),
            ({"after_seq": 30}, [], 0),
            ({"after_seq": 2**63 - 1, "offset": 5}, [], 0),
            ({"after_seq": 2**63 - 1, "sort": "-seq"}, [], 0),
            ({"before_seq": 2**63 - 1, "offset": 29}, [30], 30),
        ],
    )
    async def test_windows(
        self, chat: Chat, room: str, ada: Account, *, query: dict[str, Any], expected: list[int], total: int
    ) -> None:
        """Limit, offset and both bounds mean the same in either direction; the total is that of the window."""
        answer = await chat.read(room, ada, **query)
        assert (seqs(answer), answer.json()["total"]) == (expected, total)

    async def test_sender(self, chat: Chat, room: str, ada: Account, bob: Account) -> None:
        """Only one sender's messages, within bounds and in either direction; nobody's are none."""
        cases: list[tuple[dict[str, Any], list[int], int]] = [
            ({"limit": 3}, [1, 3, 5], 15),
            ({"limit": 3, "offset": 13}, [27, 29], 15),
            ({"limit": 3, "sort": "-seq", "offset": 1}, [27, 25, 23], 15),
            ({"after_seq": 5, "before_seq": 10}, [7, 9], 2),
            ({"offset": 15}, [], 15),
            ({"after_seq": 2**63 - 1}, [], 0),
        ]
        for query, expected, total in cases:
            answer = await chat.read(room, ada, sender_id=bob.id, **query)
            assert (seqs(answer), answer.json()["total"]) == (expected, total)
            answer = await chat.read(room, ada, sender_id=bob.id, total="false", **query)
            assert (seqs(answer), answer.json()["total"]) == (expected, None)
        assert (await chat.read(room, ada, sender_id=new_id())).json()["total"] == 0

    async def test_empty(self, chat: Chat, ada: Account) -> None:
        """A log that nobody has written to is an empty page."""
        page = (await chat.read(await chat.room(ada), ada)).json()
        assert page == {"items": [], "total": 0, "limit": 20, "offset": 0, "next": None}

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("limit=0", "validation_error"),
            ("limit=101", "validation_error"),
            ("offset=-1", "validation_error"),
            ("offset=x", "validation_error"),
            ("after_seq=-1", "validation_error"),
            ("after_seq=1.5", "validation_error"),
            (f"after_seq={2**63}", "validation_error"),
            ("before_seq=-1", "validation_error"),
            (f"before_seq={2**63}", "validation_error"),
            (f"before_seq={'9' * 5000}", "validation_error"),
            ("sender_id=x", "validation_error"),
            ("sender_id[$ne]=x", "invalid_filter"),
            ("seq=1", "invalid_filter"),
            ("content=Hello", "invalid_filter"),
            ("sort=created_at", "invalid_sort"),
            ("sort=seq,seq", "invalid_sort"),
            ("sort=%2Bseq", "invalid_sort"),
            ("sort=", "invalid_sort"),
        ],
    )
    async def test_refused(self, chat: Chat, room: str, ada: Account, query: str, code: str) -> None:
        """A parameter that makes no sense is refused, not guessed at."""
        answer = await chat.client.get(f"/v1/interviews/{room}/messages?{query}", headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


class TestWalk:
    @pytest.mark.parametrize("sort", ["seq", "-seq"])
    @pytest.mark.parametrize(
        "filters", ["", "&after_seq=4&before_seq=27", "&sender_id={bob}", "&sender_id={bob}&total=false"]
    )
    async def test_each_once(self, chat: Chat, room: str, ada: Account, bob: Account, sort: str, filters: str) -> None:  # noqa: PLR0917 - pytest names them
        """From page to page along `next` every message comes once, in order, and the filters stay."""
        start = f"/v1/interviews/{room}/messages?limit=7&sort={sort}{filters.format(bob=bob.id)}"
        pages = [page async for page in walk(chat.client, start, headers=ada.headers)]
        lowest, highest, step = (5, 26, 1) if "after" in filters else (1, 30, 2 if "sender" in filters else 1)
        expected = list(range(lowest, highest + 1, step))
        assert [seq for page in pages for seq in seqs(page)] == (expected if sort == "seq" else expected[::-1])
        assert {page.json()["total"] for page in pages} == {None if "total=false" in filters else len(expected)}

    @pytest.mark.parametrize("sort", ["seq", "-seq"])
    async def test_while_others_post(self, chat: Chat, room: str, ada: Account, bob: Account, sort: str) -> None:
        """A walk gives each message once although others post: upwards the new ones too, downwards none of them."""
        found: list[int] = []
        async for page in walk(chat.client, f"/v1/interviews/{room}/messages?limit=8&sort={sort}", headers=ada.headers):
            found += seqs(page)
            if len(found) < 30:
                assert (await chat.post(room, bob)).status_code == 201
        assert found == (list(range(1, 34)) if sort == "seq" else list(range(30, 0, -1)))


class TestDocumentation:
    async def test_operations(self, chat: Chat) -> None:
        """The OpenAPI document names the operations with their parameters, examples and real errors."""
        document = chat.app.openapi()
        operations = document["paths"]["/v1/interviews/{interview_id}/messages"]
        assert {method: operation["operationId"] for method, operation in operations.items()} == {
            "post": "post_message",
            "get": "list_messages",
        }
        shared = {"authentication_required", "invalid_token", "token_expired", "invalid_id", "not_a_participant",
                  "interview_not_found", "validation_error", "unavailable"}  # fmt: skip
        assert codes(operations["get"]) == shared | {"invalid_sort", "invalid_filter"}
        assert codes(operations["post"]) == shared | {
            "client_message_id_reused",
            "interview_closed",
            "payload_too_large",
            "request_timeout",
            "too_many_messages",
            "unsupported_media_type",
        }
        names = {parameter["name"] for parameter in operations["get"]["parameters"]}
        assert names - {"If-None-Match"} == {
            *("interview_id", "limit", "offset", "sort", "after_seq", "before_seq", "sender_id", "total")
        }
        assert [parameter["name"] for parameter in operations["post"]["parameters"]] == ["interview_id"]
        assert operations["post"]["responses"].keys() >= {"200", "201"}
        for schema in ("Message", "MessageCreate"):
            assert document["components"]["schemas"][schema]["examples"]

    async def test_stream(self, chat: Chat) -> None:
        """The stream is documented as server-sent events, with where it can begin and what it can refuse."""
        operation = chat.app.openapi()["paths"]["/v1/interviews/{interview_id}/messages/stream"]["get"]
        assert operation["operationId"] == "stream_messages"
        assert "text/event-stream" in operation["responses"]["200"]["content"]
        assert {parameter["name"] for parameter in operation["parameters"]} == {
            "interview_id",
            "after_seq",
            "Last-Event-ID",
        }
        assert codes(operation) == {"authentication_required", "invalid_token", "token_expired", "invalid_id",
                                    "not_a_participant", "interview_not_found", "validation_error",
                                    "unavailable", "position_ahead", "too_many_streams"}  # fmt: skip


def codes(operation: dict[str, Any]) -> set[str]:
    contents = [response["content"] for response in operation["responses"].values() if "content" in response]
    return {
        code
        for content in contents
        if "application/problem+json" in content
        for code in content["application/problem+json"]["examples"]
    }
