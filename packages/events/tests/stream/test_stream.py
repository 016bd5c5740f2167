"""Following the log over HTTP: what arrives, from where on, and when the stream ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from parley_auth.testing import log_in
from parley_core.testing.streams import Listener, listening
from parley_events.stream import follower
from parley_events.stream.service import EventStreams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import Stage

    from parley_core.testing import MovableClock

ADDRESS = "/v1/events/stream"


@pytest.fixture
async def server(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a worker other than the one that writes."""
    async with stage.served() as client:
        yield client


async def positions(stream: Listener, count: int) -> list[int]:
    """The positions of the next events."""
    events = await stream.events(count)
    assert [event.id for event in events] == [event.data["position"] for event in events]
    return [event.id for event in events]


class TestDelivery:
    async def test_replay_then_live(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """A stream sends the log from its beginning, then what is written through another worker, as pages show it."""
        note = await stage.create()
        for number in range(45):
            await stage.change(note, number=number)
        head = await stage.relayed()
        async with listening(server, ADDRESS, stage.headers) as stream:
            assert stream.response.headers["Content-Type"].startswith("text/event-stream")
            assert stream.response.headers["Cache-Control"] == "no-store"
            assert await positions(stream, head) == list(range(1, head + 1))
            for number in range(3):
                await stage.change(note, text="a\n\nb", number=number)
            events = await stream.events(3)
        page = (await stage.read(after=head)).json()
        assert [event.data for event in events] == page["items"]
        assert [set(event.fields) for event in events] == [{"id", "data"}] * 3

    async def test_latency(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """An event arrives well within a second after it was written, through another worker."""
        head = await stage.relayed()
        async with listening(server, ADDRESS, stage.headers, after=head) as stream:
            for number in range(1, 4):
                await stage.create()
                async with asyncio.timeout(1):
                    assert await positions(stream, 1) == [head + number]

    async def test_resume(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """A stream begins after the last event that arrived, or after `after` where there was none yet."""
        for _ in range(10):
            await stage.create()
        head = await stage.relayed()
        cases: list[tuple[dict[str, str], dict[str, int], int]] = [
            ({"Last-Event-ID": "7"}, {}, 8),
            ({}, {"after": 8}, 9),
            ({"Last-Event-ID": "9"}, {"after": 2}, 10),
            ({"Last-Event-ID": "0"}, {"after": 9}, 1),
        ]
        for headers, query, first in cases:
            async with listening(server, ADDRESS, stage.headers | headers, **query) as stream:
                assert await positions(stream, head + 1 - first) == list(range(first, head + 1))
                await stage.create()
                head += 1
                assert await positions(stream, 1) == [head]

    async def test_each_once_while_others_write(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """Readers that come, go and resume, on two workers, see each event once and in order while others write."""
        begin, total = await stage.relayed(), 100
        counts = (1, 3, 7, 11, 20, 58)

        async def read(client: httpx.AsyncClient) -> list[int]:
            found: list[int] = []
            for count in counts:
                last = {"Last-Event-ID": str(found[-1] if found else begin)}
                async with listening(client, ADDRESS, stage.headers | last) as stream:
                    found += await positions(stream, count)
            return found

        async def write() -> None:
            for _ in range(20):
                await asyncio.gather(*(stage.create() for _ in range(5)))

        async with stage.served() as another:
            clients = (server, another, server, another)
            *found, _ = await asyncio.gather(*(read(client) for client in clients), write())
        assert found == [list(range(begin + 1, begin + total + 1))] * 4

    async def test_types(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """With types a stream sends only these, however much else happens before and between them."""
        for _ in range(50):
            await stage.create()
        head = await stage.relayed()
        async with listening(server, ADDRESS, stage.headers, type=["note.changed", "user.role_changed"]) as stream:
            note = await stage.create()
            await stage.change(note, number=1)
            [event] = await stream.events(1)
            assert (event.data["type"], event.id) == ("note.changed", head + 2)
            await stage.client.patch(
                f"/v1/users/{stage.people.candidate.id}", json={"role": "interviewer"}, headers=stage.headers
            )
            [event] = await stream.events(1)
            assert event.data["type"] == "user.role_changed"

    async def test_heartbeat(self, stage: Stage, server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """A quiet stream says that it lives, every 15 seconds unless a test shortens them."""
        assert follower.HEARTBEAT_SECONDS == 15
        monkeypatch.setattr(follower, "HEARTBEAT_SECONDS", 0.05)
        head = await stage.relayed()
        async with listening(server, ADDRESS, stage.headers, after=head) as stream:
            for _ in range(3):
                event = await stream.next(3)
                assert event
                assert event.fields.keys() == {"comment"}

    async def test_slow_reader(self, stage: Stage, server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """A reader that takes nothing for a while delays nobody, and then gets everything once."""
        monkeypatch.setattr(follower, "RECHECK_SECONDS", 0.05)
        head = await stage.relayed()
        async with (
            listening(server, ADDRESS, stage.headers, after=head) as slow,
            listening(server, ADDRESS, stage.headers, after=head) as quick,
        ):
            note = await stage.create()
            for number in range(199):
                await stage.change(note, number=number, names=["x" * 190] * 40)
            expected = list(range(head + 1, head + 201))
            assert await positions(quick, 200) == expected
            assert await positions(slow, 200) == expected


class TestRefusal:
    async def test_malformed(self, stage: Stage, server: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
        """A place that is none, or a parameter that the stream doesn't have, is 400."""
        for place in ("x", "-1", "1.5", "", f"{2**63}", "0x1", "1,2", "9" * 5000):
            with subtests.test(f"Last-Event-ID: {place[:20]}"):
                answer = await server.get(ADDRESS, headers=stage.headers | {"Last-Event-ID": place})
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        for query in ("after=-1", "after=x", f"after={2**63}", "limit=1", "token=x", "actor=x"):
            with subtests.test(query):
                answer = await server.get(f"{ADDRESS}?{query}", headers=stage.headers)
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    async def test_unknown_type(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """A type that no plugin declares is 400 before the stream begins."""
        answer = await server.get(ADDRESS, params={"type": ["note.created", "note.eaten"]}, headers=stage.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_event_type")

    async def test_beyond_the_end(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """A position that the log hasn't reached is 400: after a restored backup a stream must not stay silent."""
        head = await stage.relayed()
        headers = {"Last-Event-ID": str(head + 1)}
        for sent, query in (
            (headers, {}),
            (headers, {"after": 0}),
            ({}, {"after": head + 1}),
            ({}, {"after": 2**63 - 1}),
        ):
            answer = await server.get(ADDRESS, headers=stage.headers | sent, params=query)
            assert (answer.status_code, answer.json()["code"]) == (400, "position_ahead")
        async with listening(server, ADDRESS, stage.headers, after=head) as stream:
            await stage.create()
            assert await positions(stream, 1) == [head + 1]

    async def test_others(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """Who isn't an administrator gets an ordinary answer, before anything else is checked."""
        for caller, expected in (
            ("anonymous", (401, "authentication_required")),
            ("interviewer", (403, "permission_denied")),
            ("candidate", (403, "permission_denied")),
        ):
            headers = stage.people.headers_of(caller) | {"Last-Event-ID": "x"}
            answer = await server.get(f"{ADDRESS}?type=note.eaten", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == expected


class TestLostAccess:
    async def revoke(self, stage: Stage, how: str) -> None:
        """Take away the administrator's access, by a request as others make it; another administrator remains."""
        other = await stage.another_admin()
        address = f"/v1/users/{stage.people.admin.id}"
        if how == "logout":
            answer = await stage.client.post("/v1/auth/logout", headers=stage.headers)
        else:
            body = {"demoted": {"role": "interviewer"}, "deactivated": {"active": False}}[how]
            answer = await stage.client.patch(address, json=body, headers=other.headers)
        assert answer.status_code in {200, 204}

    @pytest.mark.parametrize("how", ["demoted", "deactivated", "logout"])
    async def test_quiet_log(self, stage: Stage, server: httpx.AsyncClient, how: str) -> None:
        """A stream ends within 2 seconds of the answer that takes access away, and says nothing more."""
        async with listening(server, ADDRESS, stage.headers, type="note.created") as stream:
            await stage.create()
            assert len(await stream.events(1)) == 1
            await self.revoke(stage, how)
            assert await stream.rest(2) == []

    @pytest.mark.parametrize("how", ["demoted", "deactivated", "logout"])
    async def test_busy_log(self, stage: Stage, server: httpx.AsyncClient, how: str) -> None:
        """Nothing that is written after that answer arrives, while another administrator's stream gets it."""
        other = await stage.another_admin()
        wanted: dict[str, Any] = {"type": "note.created"}
        async with (
            listening(server, ADDRESS, stage.headers, **wanted) as cut,
            listening(server, ADDRESS, other.headers, **wanted) as kept,
        ):
            before = [await stage.create(text="before") for _ in range(5)]
            assert [event.data["subject_id"] for event in await cut.events(5)] == before
            await self.revoke(stage, how)
            after = [await stage.create(text="after") for _ in range(5)]
            assert await cut.rest(2) == []
            assert [event.data["subject_id"] for event in await kept.events(10)] == before + after

    async def test_where_nothing_matches(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """A stream whose types don't occur ends in time, too, while much else is written."""

        async def write() -> None:
            while True:
                await stage.create()

        async with listening(server, ADDRESS, stage.headers, type="note.changed") as stream:
            writing = asyncio.create_task(write())
            await asyncio.sleep(0.5)
            await self.revoke(stage, "demoted")
            assert await stream.rest(2) == []
            writing.cancel()

    async def test_the_others_go_on(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """A stream of another session of the same administrator lives on after a logout of the first."""
        second = await log_in(stage.parley, stage.people.admin.user)
        async with (
            listening(server, ADDRESS, stage.headers, type="note.created") as cut,
            listening(server, ADDRESS, second, type="note.created") as kept,
        ):
            await self.revoke(stage, "logout")
            assert await cut.rest(2) == []
            await stage.create()
            assert len(await kept.events(1)) == 1

    async def test_expired(self, stage: Stage, server: httpx.AsyncClient, clock: MovableClock) -> None:
        """A stream ends within 2 seconds after its token has expired, and asks to come back with a new one."""
        async with listening(server, ADDRESS, stage.headers, type="note.changed") as stream:
            clock.move(timedelta(minutes=11))
            assert [event.fields for event in await stream.rest(2)] == [{"retry": "0"}]


class TestHousekeeping:
    async def test_the_server_stops(self, stage: Stage) -> None:
        """When the server is asked to stop, each stream ends at once, with a hint when to come back."""
        async with stage.served() as client:
            async with listening(client, ADDRESS, stage.headers, type="note.changed") as stream:
                stage.served_app.state.parley.require(EventStreams).end()
                [last] = await stream.rest(1)
            assert 1000 <= int(last.fields["retry"]) <= 3000

    async def test_followers_of_one_place_share_a_read(self, stage: Stage, server: httpx.AsyncClient) -> None:
        """However many follow the log, a new event is read from it about once."""
        head = await stage.relayed()

        async def follow(stack: AsyncExitStack) -> Listener:
            return await stack.enter_async_context(listening(server, ADDRESS, stage.headers, after=head))

        async with AsyncExitStack() as stack:
            streams = [await follow(stack) for _ in range(20)]

            async def write() -> list[list[int]]:
                await stage.create()
                return await asyncio.gather(*(positions(stream, 1) for stream in streams))

            found, reads = await stage.profile(write)
        assert found == [[head + 1]] * 20
        pages = [read for read in reads if "find" in read["command"] and read["command"].get("limit", 0) > 1]
        assert 1 <= len(pages) <= 4
