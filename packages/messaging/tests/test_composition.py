"""Logs of several participant scopes in one application, and what is refused when they are declared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import parley_auth.plugin
import parley_messaging
from parley_auth import ADMIN
from parley_auth.testing import an_account, auth_settings
from parley_core import Parley, StartupError, hookimpl, new_id
from parley_core.log.relay import Relay
from parley_core.testing import an_application, running_client
from parley_core.testing.streams import served
from parley_messaging import MessageLog, messages_of, plugin
from parley_messaging.testing import address, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from conftest import Rooms, Tickets
    from fastapi import FastAPI

    from parley_auth.testing import Account
    from parley_core.kernel.settings import CoreSettings
    from parley_core.testing import MovableClock

TICKETS = MessageLog(
    scope="ticket",
    prefix="/desk/{desk_id}/tickets/{ticket_id}/messages",
    states=frozenset({"ongoing"}),
    until="the ticket is closed",
    name="ticket_message",
)
SOURCES = Path(parley_messaging.__file__).parent


class Stage:
    """An application of rooms and tickets; a resource of each with the same members."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client

    async def resource(self, collection: str, *members: Account, state: str = "ongoing") -> str:
        """A new room or ticket."""
        document = {"_id": new_id(), "state": state, "participants": [m.id for m in members], "touched": 0, "rev": 1}
        await self.app.state.parley.database[collection].insert_one(document)
        return str(document["_id"])

    async def post(self, where: str, sender: Account, content: str = "Hello") -> httpx.Response:
        """Post a message to an address."""
        return await self.client.post(where, json={"content": content}, headers=sender.headers)

    async def read(self, where: str, reader: Account) -> Any:
        """Return the items of the first page, or the code of the problem."""
        answer = (await self.client.get(where, headers=reader.headers)).json()
        return answer.get("items", answer.get("code"))


def of_ticket(ticket: str) -> str:
    """The address of a ticket's messages."""
    return address(ticket, TICKETS).replace("{desk_id}", new_id())


@pytest.fixture
def plugins(rooms: Rooms, tickets: Tickets) -> list[object]:
    return [parley_auth.plugin, messages_of(plugin.LOG, TICKETS), rooms, tickets]


@pytest.fixture
def app(core_settings: CoreSettings, clock: MovableClock, plugins: list[object]) -> FastAPI:
    return an_application([core_settings, auth_settings()], plugins, clock=clock)


@pytest.fixture
def another(core_settings: CoreSettings, clock: MovableClock, plugins: list[object]) -> FastAPI:
    """A second worker, of the same plugin objects."""
    return an_application([core_settings, auth_settings()], plugins, clock=clock)


@pytest.fixture
async def stage(app: FastAPI) -> AsyncIterator[Stage]:
    async with running_client(app) as client:
        yield Stage(app, client)


class TestTwoScopes:
    async def test_logs_are_separate(self, stage: Stage) -> None:
        """Each resource has its own dense log; a message shows whose it is in the words of its scope."""
        ada = await an_account(stage.app)
        room, ticket = await stage.resource("rooms", ada), await stage.resource("tickets", ada)
        first, second = await stage.post(address(room), ada, "room"), await stage.post(of_ticket(ticket), ada, "ticket")
        assert (first.status_code, first.json()["interview_id"], first.json()["seq"]) == (201, room, 1)
        assert (second.status_code, second.json()["ticket_id"], second.json()["seq"]) == (201, ticket, 1)
        assert list(second.json()) == ["id", "ticket_id", "seq", "sender_id", "content", "created_at"]
        assert await stage.read(address(room), ada) == [first.json()]
        assert await stage.read(of_ticket(ticket), ada) == [second.json()]
        stored = await stage.app.state.parley.database["messages"].find({"log_id": ticket}).to_list()
        assert [message["content"] for message in stored] == ["ticket"]

    async def test_other_scopes_resource(self, stage: Stage) -> None:
        """A room is no ticket: its messages have no address among the tickets."""
        ada = await an_account(stage.app)
        room = await stage.resource("rooms", ada)
        await stage.post(address(room), ada)
        assert await stage.read(of_ticket(room), ada) == "interview_not_found"
        assert (await stage.post(of_ticket(room), ada)).status_code == 404

    async def test_access(self, stage: Stage) -> None:
        """Participants alone read, and post in the states that this log declares, whatever another log's are."""
        ada, admin = await an_account(stage.app), await an_account(stage.app, ADMIN)
        for state, status in [("ongoing", 201), ("scheduled", 400), ("completed", 400)]:
            ticket = of_ticket(await stage.resource("tickets", ada, state=state))
            assert (await stage.post(ticket, ada)).status_code == status
            assert (await stage.post(ticket, admin)).json()["code"] == "not_a_participant"
            assert await stage.read(ticket, admin) == "not_a_participant"
            assert len(await stage.read(ticket, ada)) == (status == 201)
        room = await stage.resource("rooms", ada, state="scheduled")
        assert (await stage.post(address(room), ada)).status_code == 201

    async def test_cached(self, stage: Stage) -> None:
        """Pages of each scope are cached, and current after each message."""
        ada = await an_account(stage.app)
        ticket = of_ticket(await stage.resource("tickets", ada))
        for count in (1, 2):
            await stage.post(ticket, ada)
            answers = [await stage.client.get(ticket, headers=ada.headers) for _ in range(2)]
            assert [answer.json()["total"] for answer in answers] == [count, count]
            # Without the cache (TESTS_CACHE=off) both pass it by.
            assert answers[1].headers["Cache-Status"] in {"parley; hit", "parley; fwd=bypass"}

    async def test_streams(self, stage: Stage, another: FastAPI) -> None:
        """A stream of either scope sends what pages show, to followers of both side by side."""
        ada = await an_account(stage.app)
        room, ticket = await stage.resource("rooms", ada), of_ticket(await stage.resource("tickets", ada))
        async with (
            served(another) as server,
            listening(server, address(room), ada.headers) as of_room,
            listening(server, ticket, ada.headers) as of_tickets,
        ):
            for _ in range(2):
                in_ticket, in_room = await stage.post(ticket, ada), await stage.post(address(room), ada)
                assert await of_tickets.messages(1) == [in_ticket.json()]
                assert await of_room.messages(1) == [in_room.json()]

    async def test_events(self, stage: Stage) -> None:
        """The events of both have the same type: a log's, with the resource's id."""
        ada = await an_account(stage.app)
        ticket = await stage.resource("tickets", ada)
        posted = (await stage.post(of_ticket(ticket), ada)).json()
        await stage.app.state.parley.require(Relay).drain()
        [entry] = await stage.app.state.parley.database["events"].find({"subject_id": ticket}).to_list()
        assert (entry["kind"], entry["rev"], entry["type"]) == ("message_log", 1, "message.posted")
        assert entry["changes"]["message_id"]["to"] == posted["id"]

    async def test_openapi(self, app: FastAPI) -> None:
        """Each log has operations and schemas of its own, documented in the words of its scope."""
        document = app.openapi()
        operations = {
            operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()
        }
        names = {name for name in operations if "message" in name}
        interviews = {"post_message", "list_messages", "stream_messages"}
        assert names == interviews | {"post_ticket_message", "list_ticket_messages", "stream_ticket_messages"}
        posting = operations["post_ticket_message"]
        assert posting["description"] == (
            "Append a message to the ticket's log; participants may, until the ticket is closed."
        )
        assert (posting["tags"], operations["post_message"]["tags"]) == (["ticket messages"], ["messages"])
        schemas = document["components"]["schemas"]
        assert list(schemas["TicketMessage"]["properties"])[:3] == ["id", "ticket_id", "seq"]
        assert schemas["TicketMessage"]["examples"][0].keys() == schemas["TicketMessage"]["properties"].keys()
        assert list(schemas["Message"]["properties"])[:3] == ["id", "interview_id", "seq"]


class TestRefused:
    def test_one_scope_twice(self) -> None:
        """A resource has one log: two kinds of logs of one scope would show each other's messages."""
        other = MessageLog(scope="ticket", prefix="/tickets/{ticket_id}/notes", name="note")
        with pytest.raises(StartupError, match=r"^scope 'ticket' has two logs of messages"):
            messages_of(TICKETS, other)

    async def test_one_name_twice(self, core_settings: CoreSettings, rooms: Rooms, tickets: Tickets) -> None:
        """Two logs whose messages have the same name stop the start."""
        log = MessageLog(scope="ticket", prefix="/tickets/{ticket_id}/messages")
        plugins = [parley_auth.plugin, messages_of(plugin.LOG, log), rooms, tickets]
        with pytest.raises(StartupError, match=r"^operation id '(post|list)_messages?' is that of \w+ /v1/interviews/"):
            async with running_client(an_application([core_settings, auth_settings()], plugins)):
                pass

    def test_two_plugins(self) -> None:
        """One plugin owns the collections, whatever the number of logs."""

        class Other:
            @hookimpl
            def parley_indexes(self) -> Any:
                return messages_of(TICKETS).parley_indexes()

        with pytest.raises(StartupError, match="collection 'messages' is declared by"):
            Parley([auth_settings()], plugins=[parley_auth.plugin, messages_of(plugin.LOG), Other()])

    async def test_scope_that_nobody_declares(self, core_settings: CoreSettings, rooms: Rooms) -> None:
        """A log of an unknown scope stops the start."""
        plugins = [parley_auth.plugin, messages_of(TICKETS), rooms]
        with pytest.raises(StartupError, match="scope 'ticket', which no plugin declares"):
            async with running_client(an_application([core_settings, auth_settings()], plugins)):
                pass

    async def test_unknown_state(self, core_settings: CoreSettings, tickets: Tickets) -> None:
        """A log with a state that its scope doesn't have stops the start."""
        log = MessageLog(scope="ticket", prefix="/tickets/{ticket_id}/messages", states=frozenset({"open"}))
        plugins = [parley_auth.plugin, messages_of(log), tickets]
        with pytest.raises(StartupError, match="names state 'open', which scope 'ticket' doesn't have"):
            async with running_client(an_application([core_settings, auth_settings()], plugins)):
                pass

    @pytest.mark.parametrize(
        ("prefix", "message"),
        [
            ("/tickets/messages", "needs the parameter of scope 'ticket'"),
            ("/tickets/{id}/messages", "'id' is a message"),
        ],
    )
    def test_path(self, prefix: str, message: str) -> None:
        """A path needs the scope's parameter, whose name must not be that of a message's own field."""
        with pytest.raises(ValueError, match=message):
            MessageLog(scope="ticket", prefix=prefix)


def test_hooks_of_the_entry_point() -> None:
    """The module that the entry point names has every hook of the plugin that `messages_of` makes."""
    made = {name for name in dir(messages_of(TICKETS)) if name.startswith("parley_")}
    assert made == {name for name in vars(plugin) if name.startswith("parley_")}
    assert made


def test_words() -> None:
    """The entry point's module alone knows what an interview is, but for the field's name in older data."""
    found = {
        str(path.relative_to(SOURCES)): re.findall(r"\w*interview\w*", path.read_text(), re.IGNORECASE)
        for path in SOURCES.rglob("*.py")
    }
    assert found.pop("plugin.py")
    assert {name: words for name, words in found.items() if words} == {"migrations.py": ["interview_id"]}
