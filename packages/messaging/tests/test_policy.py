"""Who may read and post: the whole access table, and the order in which a request is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parley_core import new_id

if TYPE_CHECKING:
    import httpx
    from conftest import Chat

POST, GET = "POST", "GET"
INSIDE = [f"participating {role}" for role in ("admin", "interviewer", "candidate")]
OUTSIDE = [f"other {role}" for role in ("admin", "interviewer", "candidate")]

# (operation, state of the interview, caller, status and code)
TABLE = [
    *((operation, state, "anonymous", (401, "authentication_required")) for operation in (POST, GET)
      for state in ("ongoing", "completed")),
    *((operation, state, caller, (403, "not_a_participant")) for operation in (POST, GET)
      for state in ("ongoing", "completed") for caller in OUTSIDE),
    *((GET, state, caller, (200, None)) for state in ("scheduled", "ongoing", "completed", "cancelled")
      for caller in INSIDE),
    *((POST, state, caller, (201, None)) for state in ("scheduled", "ongoing") for caller in INSIDE),
    *((POST, state, caller, (400, "interview_closed")) for state in ("completed", "cancelled") for caller in INSIDE),
]  # fmt: skip


async def send(
    chat: Chat, method: str, room: str, headers: dict[str, str] | None = None, content: bytes | None = None
) -> httpx.Response:
    body = b'{"content": "Hello"}' if content is None and method == POST else content
    sent = {"Content-Type": "application/json", **(headers or {})}
    return await chat.client.request(method, f"/v1/interviews/{room}/messages", content=body, headers=sent)


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize(
    ("operation", "state", "caller", "expected"),
    TABLE,
    ids=["-".join((operation, state, caller, str(expected[0]))) for operation, state, caller, expected in TABLE],
)
async def test_access(chat: Chat, operation: str, state: str, caller: str, expected: tuple[int, str | None]) -> None:
    """Those who take part read always and post while the interview is open; all others do neither, admins included."""
    account = await chat.account(caller.rsplit(maxsplit=1)[-1]) if caller != "anonymous" else None
    members = [account] if account and caller in INSIDE else []
    room = await chat.room(*members, state=state)
    assert outcome(await send(chat, operation, room, account.headers if account else None)) == expected
    assert len(await chat.stored(room)) == (expected[0] == 201)


class TestOrderOfChecks:
    async def test_anonymous_first(self, chat: Chat) -> None:
        """An unauthenticated caller learns nothing, whatever they send."""
        for room, content in [(await chat.room(), b"{"), ("no-id", b"{"), (new_id(), b'{"content": ""}')]:
            assert outcome(await send(chat, POST, room, content=content)) == (401, "authentication_required")

    async def test_malformed_id(self, chat: Chat) -> None:
        """An id that can't be one is refused before anything is looked up."""
        headers = (await chat.account()).headers
        for method in (POST, GET):
            for room in ("x", "A" * 24, "0" * 25, "%00", "0" * 23 + "%0a"):
                assert outcome(await send(chat, method, room, headers)) == (400, "invalid_id"), room

    async def test_unknown_interview(self, chat: Chat) -> None:
        """An interview that doesn't exist is 404, before the body is checked."""
        headers = (await chat.account()).headers
        for method in (POST, GET):
            assert outcome(await send(chat, method, new_id(), headers, b"{")) == (404, "interview_not_found")

    async def test_stranger_before_body(self, chat: Chat) -> None:
        """A stranger's broken body is still a stranger's."""
        room, stranger = await chat.room(), await chat.account("admin")
        assert outcome(await send(chat, POST, room, stranger.headers, b"{")) == (403, "not_a_participant")

    async def test_body_before_state(self, chat: Chat) -> None:
        """Whether the interview is closed is checked last."""
        member = await chat.account()
        room = await chat.room(member, state="completed")
        assert outcome(await send(chat, POST, room, member.headers, b"{}")) == (400, "validation_error")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
class TestAppendOnly:
    async def test_no_change(self, chat: Chat, method: str) -> None:
        """The log offers reading and posting, and says so to whoever tries something else."""
        member = await chat.account("admin")
        room = await chat.room(member)
        await chat.post(room, member)
        answer = await send(chat, method, room, member.headers, b'{"content": "Other"}')
        assert outcome(answer) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD, POST"
        assert [message["content"] for message in await chat.stored(room)] == ["Hello"]

    async def test_no_single_message(self, chat: Chat, method: str) -> None:
        """A message has no address of its own under which it could be changed or removed."""
        member = await chat.account("admin")
        room = await chat.room(member)
        message = (await chat.post(room, member)).json()
        for last in (message["id"], message["seq"]):
            answer = await chat.client.request(
                method, f"/v1/interviews/{room}/messages/{last}", headers=member.headers, content=b"{}"
            )
            assert outcome(answer) == (404, "not_found")
        assert [message["content"] for message in await chat.stored(room)] == ["Hello"]
