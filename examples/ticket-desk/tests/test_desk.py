"""The ticket desk over HTTP, against the embedded MongoDB: its roles, who takes part, and messages in tickets."""

import re
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

import ticket_desk
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core import new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import logged, running_client
from parley_core.testing.streams import served
from parley_messaging.testing import address, listening
from ticket_desk import create_app
from ticket_desk.application import TICKET_LOG

Outcome = tuple[int, str | None]
CREATED, DONE, CLOSED = (201, None), (200, None), (400, "ticket_closed")
UNKNOWN, STRANGER, DENIED = (401, "authentication_required"), (403, "not_a_participant"), (403, "permission_denied")


class Desk:
    """A running desk, with a customer who has opened a ticket and the agent who has it."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client
        self.people: dict[str, Account] = {}
        self.ticket = ""

    async def open(self) -> None:
        """Let the customer open a ticket and the agent take it."""
        for name in ("admin", "agent", "customer", "other agent", "other customer"):
            self.people[name] = await an_account(self.app, name.removeprefix("other "))
        answer = await self.send("customer", "POST", "/v1/tickets", {"title": "The printer is on fire"})
        assert answer.status_code == 201
        self.ticket = answer.json()["id"]
        assert (await self.assign("agent", "agent")).status_code == 200

    async def send(self, who: str, method: str, path: str, body: object = None) -> httpx.Response:
        """Send a request in somebody's name."""
        headers = self.people[who].headers if who != "anonymous" else {}
        return await self.client.request(method, path, json=body, headers=headers)

    async def assign(self, by: str, agent: str) -> httpx.Response:
        """Give the ticket to an agent."""
        return await self.send(by, "PUT", f"/v1/tickets/{self.ticket}/agent", {"agent_id": self.people[agent].id})

    async def close(self, by: str) -> httpx.Response:
        """Close the ticket."""
        return await self.send(by, "POST", f"/v1/tickets/{self.ticket}/close")

    async def post(self, who: str, content: str = "Hello") -> httpx.Response:
        """Post a message in the ticket."""
        return await self.send(who, "POST", address(self.ticket, TICKET_LOG), {"content": content})

    async def read(self, who: str) -> httpx.Response:
        """Read the ticket's messages."""
        return await self.send(who, "GET", address(self.ticket, TICKET_LOG))


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return create_app([core_settings, auth_settings()])


@pytest.fixture
async def desk(app: FastAPI) -> AsyncIterator[Desk]:
    async with running_client(app) as client:
        desk = Desk(app, client)
        await desk.open()
        yield desk


def outcome(answer: httpx.Response) -> Outcome:
    """Return an answer's status and code."""
    return answer.status_code, answer.json().get("code")


class TestRoles:
    async def test_registration(self, desk: Desk) -> None:
        """Whoever registers is a customer, and opens tickets at once."""
        account = {"email": "eve@example.com", "password": PASSWORD}
        registered = await desk.client.post("/v1/auth/register", json=account)
        assert (registered.status_code, registered.json()["role"]) == (201, "customer")
        token = (await desk.client.post("/v1/auth/login", json=account)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        opened = await desk.client.post("/v1/tickets", json={"title": "Hello?"}, headers=headers)
        assert (opened.status_code, opened.json()["customer_id"]) == (201, registered.json()["id"])

    async def test_declared_roles_alone(self, desk: Desk) -> None:
        """Administrators make agents; a role that the desk doesn't declare isn't one."""
        for role, status in [("agent", 201), ("candidate", 400), ("user", 400)]:
            body = {"email": f"{role}@example.com", "password": PASSWORD, "role": role}
            assert (await desk.send("admin", "POST", "/v1/users", body)).status_code == status, role


class TestTickets:
    @pytest.mark.parametrize(
        ("caller", "outcomes"),
        [
            # opening, reading, assigning, closing
            ("anonymous", [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
            ("admin", [DENIED, DONE, DONE, STRANGER]),
            ("agent", [DENIED, DONE, DONE, DONE]),
            ("other agent", [DENIED, DONE, DONE, STRANGER]),
            ("customer", [CREATED, DONE, DENIED, DONE]),
            ("other customer", [CREATED, STRANGER, STRANGER, STRANGER]),
        ],
    )
    async def test_access(self, desk: Desk, caller: str, outcomes: list[Outcome]) -> None:
        """Customers open tickets and see their own, staff see and assign all, and those who take part close one."""
        answers = [
            await desk.send(caller, "POST", "/v1/tickets", {"title": "Help"}),
            await desk.send(caller, "GET", f"/v1/tickets/{desk.ticket}"),
            await desk.assign(caller, "agent"),
            await desk.close(caller),
        ]
        assert list(map(outcome, answers)) == outcomes

    async def test_list(self, desk: Desk) -> None:
        """A customer's list has their own tickets, the staff's has all."""
        await desk.send("other customer", "POST", "/v1/tickets", {"title": "Another one"})
        for who, count in [("customer", 1), ("other customer", 1), ("agent", 2), ("other agent", 2), ("admin", 2)]:
            page = (await desk.send(who, "GET", "/v1/tickets")).json()
            assert (page["total"], len(page["items"])) == (count, count), who

    async def test_assigned_to_nobody(self, desk: Desk) -> None:
        """Only an active agent gets a ticket."""
        assert outcome(await desk.assign("admin", "other customer")) == (400, "no_agent")
        body = {"agent_id": new_id()}
        assert outcome(await desk.send("admin", "PUT", f"/v1/tickets/{desk.ticket}/agent", body)) == (400, "no_agent")

    async def test_closed(self, desk: Desk) -> None:
        """A closed ticket stays as it is."""
        assert (await desk.close("customer")).json()["state"] == "closed"
        assert outcome(await desk.close("agent")) == CLOSED
        assert outcome(await desk.assign("admin", "other agent")) == CLOSED

    async def test_not_found(self, desk: Desk) -> None:
        """What doesn't exist is 404, its messages too."""
        for path in ("", "/messages"):
            answer = await desk.send("admin", "GET", f"/v1/tickets/{new_id()}{path}")
            assert outcome(answer) == (404, "ticket_not_found")

    async def test_events(self, desk: Desk) -> None:
        """Every change of a ticket is in the log, with who made it and whom it is about."""
        await desk.assign("admin", "other agent")
        await desk.close("customer")
        entries = await logged(desk.app, desk.ticket)
        customer, agent, other = (desk.people[name].id for name in ("customer", "agent", "other agent"))
        assert [(entry.type, entry.actor) for entry in entries] == [
            ("ticket.opened", customer),
            ("ticket.assigned", agent),
            ("ticket.assigned", desk.people["admin"].id),
            ("ticket.closed", customer),
        ]
        assert set(entries[2].audience) == {customer, agent, other}


class TestMessages:
    async def test_conversation(self, desk: Desk) -> None:
        """Customer and agent write and read; a message says which ticket it is in."""
        first, second = await desk.post("customer", "It burns"), await desk.post("agent", "Unplug it")
        assert (first.status_code, first.json()["ticket_id"]) == (201, desk.ticket)
        for who in ("customer", "agent"):
            page = await desk.read(who)
            assert (page.status_code, page.json()["items"]) == (200, [first.json(), second.json()])

    @pytest.mark.parametrize("who", ["admin", "other agent", "other customer"])
    async def test_stranger(self, desk: Desk, who: str) -> None:
        """Whoever doesn't take part neither reads nor writes, whatever their role: administrators included."""
        await desk.post("customer")
        assert (outcome(await desk.post(who)), outcome(await desk.read(who))) == (STRANGER, STRANGER)

    async def test_closed(self, desk: Desk) -> None:
        """In a closed ticket nobody writes, and everybody goes on reading."""
        await desk.post("customer")
        await desk.close("agent")
        for who in ("customer", "agent"):
            assert outcome(await desk.post(who)) == CLOSED
            assert (await desk.read(who)).json()["total"] == 1

    async def test_reassigned(self, desk: Desk) -> None:
        """The next agent takes part in the place of the one before."""
        await desk.assign("admin", "other agent")
        assert (await desk.post("other agent")).status_code == 201
        assert outcome(await desk.post("agent")) == STRANGER

    async def test_stream(self, desk: Desk, core_settings: CoreSettings) -> None:
        """A stream of another worker delivers what is posted, and ends when its reader no longer takes part."""
        where, people = address(desk.ticket, TICKET_LOG), desk.people
        async with (
            served(create_app([core_settings, auth_settings()])) as server,
            listening(server, where, people["customer"].headers) as of_customer,
            listening(server, where, people["agent"].headers) as of_agent,
        ):
            posted = (await desk.post("customer", "Are you there?")).json()
            assert await of_customer.messages(1) == await of_agent.messages(1) == [posted]
            await desk.assign("admin", "other agent")
            assert await of_agent.rest(2) == []
            posted = (await desk.post("other agent", "I am")).json()
            assert await of_customer.messages(1) == [posted]

    async def test_documented(self, app: FastAPI) -> None:
        """The OpenAPI document speaks of tickets."""
        operation = app.openapi()["paths"]["/v1/tickets/{ticket_id}/messages"]["post"]
        assert operation["operationId"] == "post_message"
        expected = "Append a message to the ticket's log; participants may, until the ticket is closed."
        assert operation["description"] == expected


class TestIndependence:
    def test_needs(self) -> None:
        """Of Parley the desk needs the core, accounts and messages, and nothing else."""
        required = metadata.requires("ticket-desk") or []
        assert {name for name in (re.split(r"[<>=]", text)[0] for text in required) if "parley" in name} == {
            "parley-auth",
            "parley-core",
            "parley-messaging",
        }

    def test_routes(self, app: FastAPI) -> None:
        """Although other packages are installed, the only other routes are those of accounts."""
        found = {path.split("/")[2 if path.startswith("/v1/") else 1] for path in app.openapi()["paths"]}
        assert found == {"auth", "users", "api-keys", "system", ".well-known", "tickets"}

    def test_words(self, app: FastAPI) -> None:
        """Neither the desk nor its documentation of the API says anything about what Parley was made for."""
        folder = Path(__file__).parents[1]
        pages = [*Path(ticket_desk.__file__).parent.rglob("*.py"), folder / "README.md", folder / "pyproject.toml"]
        texts = {str(page): page.read_text(encoding="utf-8") for page in pages} | {"openapi": str(app.openapi())}
        word = "inter" + "view"
        assert [name for name, text in texts.items() if word in text.lower()] == []
        assert len(texts) > 10
