"""The guard over HTTP and WebSocket, with a small feature of this module: things and their participants."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, WebSocket
from pydantic import BaseModel, ConfigDict

import parley_auth.plugin
from parley_auth import (
    OUTSIDER,
    TOUCH,
    Access,
    Guard,
    Locked,
    ParticipantScope,
    PolicyRule,
    PolicyTable,
    Principal,
    Resource,
    ScopedAccess,
    lock_together,
)
from parley_auth.errors import InvalidToken, NotAParticipant, PermissionDenied
from parley_auth.testing import People, auth_settings, bearer, roles_plugin, some_people
from parley_core import (
    CollectionIndexes,
    Parley,
    ParleyDep,
    ParleyError,
    PublicRoute,
    Router,
    Session,
    in_transaction,
    new_id,
    raises,
)
from parley_core.data.ids import ID_PATTERN
from parley_core.errors import BusinessRuleError, NotFoundError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client
from parley_core.testing.log_lines import lines_of


class ThingNotFound(NotFoundError):
    code = "thing_not_found"
    title = "There is no such thing"


class ThingClosed(BusinessRuleError):
    code = "thing_closed"
    title = "The thing is closed"


async def access_of(parley: Parley, resource_id: str, principal: Principal) -> Resource | None:
    found = await parley.database.things.find_one({"_id": resource_id})
    if found is None:
        return None
    relation = found["members"].get(principal.id, OUTSIDER)
    return Resource(resource_id, found["state"], relation=relation, validator=found["rev"])


async def lock(parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str) -> Locked:
    states = parley.require(PolicyTable).states_of(action)
    where = {"_id": resource_id} | ({"state": {"$in": list(states)}} if states else {})
    found = await parley.database.things.find_one_and_update(where, TOUCH, session=session)
    if found is None:
        raise ThingClosed
    return Locked(found["state"], {user_id: part for user_id, part in found["members"].items() if user_id in user_ids})


router = Router(prefix="/things", tag="things")
MANAGERS = frozenset({"admin", "interviewer"})
TEAM = roles_plugin("interviewer", registers="candidate")


class Word(BaseModel):
    """A body with one word."""

    model_config = ConfigDict(extra="forbid")

    word: str


Reading = Annotated[ScopedAccess, Depends(Guard("things:read"))]
Writing = Annotated[ScopedAccess, Depends(Guard("things:write"))]
Listing = Annotated[Access, Depends(Guard("things:list"))]
Either = Annotated[ScopedAccess, Depends(Guard("things:read", "things:write", closed=ThingClosed))]


@router.get("/{thing_id}", summary="Read a thing")
async def read_thing(access: Reading) -> dict[str, Any]:
    return {"state": access.resource.state, "relation": access.resource.relation, "rev": access.resource.validator}


@router.post("/{thing_id}/parts/{part_id}", summary="Write a part of a thing")
async def write_part(access: Writing, part_id: str, body: Word) -> dict[str, str]:
    if not access.permits_as(access.resource.relation, "things:write", state=access.resource.state):
        raise ThingClosed
    return {"part": part_id, "word": body.word, "by": access.actor.role}


@router.put("/{thing_id}/either", summary="Do what the body says")
async def do_either(access: Either, body: Word) -> dict[str, Any]:
    access.require(f"things:{body.word}")
    return {"done": body.word}


@router.put("/{thing_id}/locked", summary="Do something while the thing stays as it is")
@raises(ThingClosed)
async def do_locked(access: Reading) -> dict[str, bool]:
    async def work(session: Session) -> None:
        await access.parley.database.things.update_one(
            {"_id": access.resource.id}, {"$unset": {f"members.{access.principal.id}": ""}}, session=session
        )

    async def locked(session: Session) -> None:
        await access.lock(session, "things:write")

    if access.resource.relation != OUTSIDER:
        await in_transaction(access.parley.client, work)
    await in_transaction(access.parley.client, locked)
    return {"locked": True}


class Kept:
    """The accesses that guards have returned, by the callers' ids."""

    def __init__(self) -> None:
        self.accesses: dict[str, ScopedAccess] = {}
        self.unscoped: list[Access] = []


@router.put("/{thing_id}/kept", summary="Have an access kept")
async def keep_access(access: Reading, parley: ParleyDep) -> dict[str, bool]:
    parley.require(Kept).accesses[access.principal.id] = access
    return {"kept": True}


@router.put("", summary="Have an access to no thing in particular kept")
async def keep_unscoped(access: Listing, parley: ParleyDep) -> dict[str, bool]:
    parley.require(Kept).unscoped.append(access)
    return {"kept": True}


@router.websocket("/{thing_id}/live")
async def listen(websocket: WebSocket, access: Reading, parley: ParleyDep) -> None:
    await websocket.accept()
    await websocket.send_json({"relation": access.resource.relation, "of": type(parley).__name__})
    await websocket.close()


def make_services(parley: Parley) -> list[object]:
    return [Kept()]


THINGS = a_plugin(
    "things",
    parley_routers=[router],
    parley_services=make_services,
    parley_indexes=[CollectionIndexes("things", ())],
    parley_policies=[
        PolicyRule(action="things:list", roles=MANAGERS),
        PolicyRule(action="things:read", scope="thing", roles=frozenset({"admin"}), relations=frozenset({OUTSIDER})),
        PolicyRule(action="things:read", scope="thing", roles=None),
        PolicyRule(
            action="things:write",
            scope="thing",
            roles=MANAGERS,
            relations=frozenset({"helper"}),
            states=frozenset({"open"}),
        ),
    ],
    parley_participant_scopes=[
        ParticipantScope(
            name="thing",
            path_param="thing_id",
            relations=("helper", "subject"),
            states=("open", "shut"),
            not_found=ThingNotFound,
            closed=ThingClosed,
            access_of=access_of,
            lock=lock,
        )
    ],
)


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return an_application([core_settings, auth_settings()], [parley_auth.plugin, TEAM, THINGS])


@dataclass
class Stage:
    """An open and a shut thing with the interviewer and the candidate as participants, and a stranger of each role."""

    people: People
    strangers: People
    opened: str = field(default_factory=new_id)
    shut: str = field(default_factory=new_id)

    async def set_up(self, parley: Parley) -> None:
        members = {self.people.interviewer.id: "helper", self.people.candidate.id: "subject"}
        for thing_id, state in ((self.opened, "open"), (self.shut, "shut")):
            thing = {"_id": thing_id, "state": state, "members": members, "rev": 7}
            await parley.database.things.insert_one(thing)


@pytest.fixture
async def stage(app: FastAPI, client: httpx.AsyncClient) -> Stage:
    stage = Stage(await some_people(app), await some_people(app))
    await stage.set_up(app.state.parley)
    return stage


class TestOrder:
    async def test_of_checks(self, client: httpx.AsyncClient, stage: Stage, subtests: pytest.Subtests) -> None:
        """Identity, ids, existence, participation, role, body, state: each is checked before all that follow."""
        part, broken, good = new_id(), {"wrod": "x"}, {"word": "x"}
        candidate, interviewer = stage.people.candidate.headers, stage.people.interviewer.headers
        stranger, admin = stage.strangers.candidate.headers, stage.people.admin.headers
        expected: list[tuple[str, dict[str, str], Any, int, str]] = [
            ("zzz/parts/zzz", {}, broken, 401, "authentication_required"),
            ("zzz/parts/zzz", stranger, broken, 400, "invalid_id"),
            (f"{new_id()}/parts/zzz", stranger, broken, 400, "invalid_id"),
            (f"{new_id()}/parts/{part}", stranger, broken, 404, "thing_not_found"),
            (f"{stage.shut}/parts/{part}", stranger, broken, 403, "not_a_participant"),
            (f"{stage.shut}/parts/{part}", admin, broken, 403, "not_a_participant"),
            (f"{stage.shut}/parts/{part}", candidate, broken, 403, "permission_denied"),
            (f"{stage.shut}/parts/{part}", interviewer, broken, 400, "validation_error"),
            (f"{stage.shut}/parts/{part}", interviewer, good, 400, "thing_closed"),
        ]
        for path, headers, body, status, code in expected:
            with subtests.test(code):
                answer = await client.post(f"/v1/things/{path}", json=body, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (status, code)
        answer = await client.post(f"/v1/things/{stage.opened}/parts/{part}", json=good, headers=interviewer)
        assert answer.json() == {"part": part, "word": "x", "by": "interviewer"}

    async def test_two_credentials(self, client: httpx.AsyncClient, stage: Stage) -> None:
        """Two `Authorization` headers are 400 on every guarded route, cached ones too, even if both say the same."""
        [mine] = stage.people.interviewer.headers.items()
        [theirs] = stage.people.admin.headers.items()
        for second in (mine, theirs, ("authorization", ""), ("AUTHORIZATION", "Basic eDp5")):
            for path in ("/v1/users/me", f"/v1/things/{stage.opened}"):
                answer = await client.get(path, headers=[mine, second])
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                [error] = answer.json()["errors"]
                assert (error["pointer"], error["code"]) == ("?Authorization", "repeated_parameter")
        assert (await client.get("/v1/users/me", headers=[mine])).status_code == 200

    async def test_unreadable_bodies_lose_to_every_refusal(
        self, client: httpx.AsyncClient, stage: Stage, subtests: pytest.Subtests
    ) -> None:
        """Only permitted callers learn that a body is broken JSON, of another media type or too large."""
        json_type = {"Content-Type": "application/json"}
        bodies: list[tuple[bytes, dict[str, str], int, str]] = [
            (b"{", json_type, 400, "validation_error"),
            (b"<x/>", {"Content-Type": "text/xml"}, 415, "unsupported_media_type"),
            (b"a" * 300_000, json_type, 413, "payload_too_large"),
        ]
        address = f"/v1/things/{stage.opened}/parts/{new_id()}"
        for content, headers, status, code in bodies:
            with subtests.test(code):
                refused = await client.post(address, content=content, headers=headers | stage.people.candidate.headers)
                answered = await client.post(
                    address, content=content, headers=headers | stage.people.interviewer.headers
                )
                assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
                assert (answered.status_code, answered.json()["code"]) == (status, code)


class TestScope:
    async def test_every_role(self, client: httpx.AsyncClient, stage: Stage, subtests: pytest.Subtests) -> None:
        """Participants and administrators read; every stranger gets the same refusal."""
        address, who = f"/v1/things/{stage.opened}", stage.people
        for caller, relation in ((who.interviewer, "helper"), (who.candidate, "subject"), (who.admin, OUTSIDER)):
            answer = await client.get(address, headers=caller.headers)
            assert answer.json() == {"state": "open", "relation": relation, "rev": 7}
        for caller in (stage.strangers.interviewer, stage.strangers.candidate):
            with subtests.test(caller.user.role):
                answer = await client.get(address, headers=caller.headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "not_a_participant")
                assert answer.json()["category"] == "authorization"

    async def test_is_read_each_time(self, app: FastAPI, client: httpx.AsyncClient, stage: Stage) -> None:
        """A removed participant is refused from the next request on, and an added one is let through."""
        address, things = f"/v1/things/{stage.opened}", app.state.parley.database.things
        gone, come = stage.people.candidate, stage.strangers.candidate
        for leaving, joining in ((gone, come), (come, gone)):
            await things.update_one({"_id": stage.opened}, {"$unset": {f"members.{leaving.id}": ""}})
            await things.update_one({"_id": stage.opened}, {"$set": {f"members.{joining.id}": "helper"}})
            assert (await client.get(address, headers=leaving.headers)).status_code == 403
            assert (await client.get(address, headers=joining.headers)).status_code == 200

    async def test_several_actions(self, client: httpx.AsyncClient, stage: Stage) -> None:
        """When the body says which of several actions it is, that action's rules apply."""
        address = f"/v1/things/{stage.opened}/either"
        expected = [
            (stage.people.candidate, "read", 200, {"done": "read"}),
            (stage.people.admin, "read", 200, {"done": "read"}),
            (stage.people.interviewer, "write", 200, {"done": "write"}),
            (stage.people.candidate, "write", 403, None),
            (stage.people.admin, "write", 403, None),
        ]
        for caller, word, status, body in expected:
            answer = await client.put(address, json={"word": word}, headers=caller.headers)
            assert (answer.status_code, answer.json() if body else None) == (status, body)

    async def test_denials_are_logged(
        self, client: httpx.AsyncClient, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A denial is a security event, also one that depends on the body."""
        address, headers = f"/v1/things/{stage.opened}", stage.people.candidate.headers
        await client.put(f"{address}/either", json={"word": "write"}, headers=headers)
        await client.post(f"{address}/parts/{new_id()}", json={"word": "x"}, headers=headers)
        events = lines_of(caplog.records, "parley.security")
        assert [(e["event"], e["actions"]) for e in events] == [("access_denied", "things:write")] * 2
        assert {e["user_id"] for e in events} == {stage.people.candidate.id}

    async def test_probes_are_logged(
        self, client: httpx.AsyncClient, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Asking for what doesn't exist is a security event too, whoever asks, with the same fields as a denial."""
        for caller in (stage.strangers.candidate, stage.people.admin):
            for thing_id in (stage.opened, new_id()):
                await client.post(f"/v1/things/{thing_id}/parts/{new_id()}", headers=caller.headers)
        denied, missing, *_ = events = lines_of(caplog.records, "parley.security")
        assert [event["event"] for event in events] == ["access_denied", "resource_missing"] * 2
        assert denied.keys() == missing.keys()
        assert {event["verdict"] for event in events} == {"not_a_participant"}

    async def test_lock(self, client: httpx.AsyncClient, stage: Stage) -> None:
        """A lock checks inside the transaction the resource's state, and whether the caller still participates."""
        answers = {
            name: await client.put(f"/v1/things/{thing_id}/locked", headers=caller.headers)
            for name, thing_id, caller in [
                ("removed meanwhile", stage.opened, stage.people.interviewer),
                ("shut", stage.shut, stage.people.interviewer),
                ("never took part", stage.opened, stage.people.admin),
            ]
        }
        answered = {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()}
        assert answered == {
            "removed meanwhile": (403, "not_a_participant"),
            "shut": (400, "thing_closed"),
            "never took part": (403, "not_a_participant"),
        }


class TestKeptAccess:
    """A guard's access, used after its request."""

    @pytest.fixture
    async def kept(self, app: FastAPI, client: httpx.AsyncClient, stage: Stage) -> dict[str, ScopedAccess]:
        """The accesses of all three roles."""
        parley: Parley = app.state.parley
        for caller in (stage.people.admin, stage.people.interviewer, stage.people.candidate):
            answer = await client.put(f"/v1/things/{stage.opened}/kept", headers=caller.headers)
            assert answer.status_code == 200
        return {access.principal.role: access for access in parley.require(Kept).accesses.values()}

    async def test_reauthorize(self, app: FastAPI, stage: Stage, kept: dict[str, ScopedAccess]) -> None:
        """Authorizing again returns the same access, until the caller is removed or their account deactivated."""
        database = app.state.parley.database
        for access in kept.values():
            assert await access.reauthorize() == access
        await database.things.update_one(
            {"_id": stage.opened}, {"$unset": {f"members.{stage.people.candidate.id}": ""}}
        )
        with pytest.raises(NotAParticipant):
            await kept["candidate"].reauthorize()
        await database.users.update_one({"_id": stage.people.interviewer.id}, {"$set": {"active": False}})
        with pytest.raises(InvalidToken):
            await kept["interviewer"].reauthorize()

    async def test_reauthorize_outside_of_a_scope(
        self, app: FastAPI, client: httpx.AsyncClient, stage: Stage, kept: dict[str, ScopedAccess]
    ) -> None:
        """An access to no resource is authorized again as well: by role, account and session as they are now."""
        parley, caller = app.state.parley, stage.people.interviewer
        assert (await client.put("/v1/things", headers=caller.headers)).status_code == 200
        [access] = parley.require(Kept).unscoped
        assert await access.reauthorize() == access
        await parley.database.users.update_one({"_id": caller.id}, {"$set": {"role": "candidate"}})
        with pytest.raises(PermissionDenied):
            await access.reauthorize()
        await parley.database.users.update_one({"_id": caller.id}, {"$set": {"sessions": []}})
        with pytest.raises(InvalidToken):
            await access.reauthorize()

    async def test_actions_without_a_resource(
        self, app: FastAPI, client: httpx.AsyncClient, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An access to no resource decides about other actions too: what its caller may do without taking part."""
        parley = app.state.parley
        for caller in (stage.people.admin, stage.people.interviewer):
            assert (await client.put("/v1/things", headers=caller.headers)).status_code == 200
        admin, interviewer = parley.require(Kept).unscoped
        actions = ("things:list", "things:read", "things:write", "things:fly")
        assert [admin.permits(action) for action in actions] == [True, True, False, False]
        assert [interviewer.permits(action) for action in actions] == [True, False, False, False]
        admin.require("things:read")
        with pytest.raises(PermissionDenied):
            interviewer.require("things:read")
        [line] = lines_of(caplog.records, "parley.security")
        assert (line["event"], line["user_id"]) == ("access_denied", stage.people.interviewer.id)

    async def test_actions_of_other_guards(self, kept: dict[str, ScopedAccess]) -> None:
        """An access also decides about actions that its own guard doesn't name, by the same table."""
        actions = ("things:read", "things:write", "things:fly")
        permitted = {role: [access.permits(action) for action in actions] for role, access in kept.items()}
        assert permitted == {
            "admin": [True, False, False],
            "interviewer": [True, True, False],
            "candidate": [True, False, False],
        }

    async def test_recheck(
        self, app: FastAPI, stage: Stage, kept: dict[str, ScopedAccess], caplog: pytest.LogCaptureFixture
    ) -> None:
        """A recheck returns the resource as it is now; it refuses a removed caller, and a resource that is gone."""
        things, where = app.state.parley.database.things, {"_id": stage.opened}
        await things.update_one(where, {"$set": {"state": "shut", "rev": 8}})
        found = await kept["candidate"].recheck("things:read")
        assert found == Resource(stage.opened, "shut", relation="subject", validator=8)
        await things.update_one(where, {"$unset": {f"members.{stage.people.candidate.id}": ""}})
        with pytest.raises(NotAParticipant):
            await kept["candidate"].recheck("things:read")
        assert (await kept["admin"].recheck("things:read")).relation == OUTSIDER
        await things.delete_one(where)
        with pytest.raises(ThingNotFound):
            await kept["admin"].recheck("things:read")
        kinds = [line["event"] for line in lines_of(caplog.records, "parley.security")]
        assert kinds == ["access_denied", "resource_missing"]

    async def test_token_is_not_shown(self, stage: Stage, kept: dict[str, ScopedAccess]) -> None:
        """An access that is logged doesn't show the token with which it is authorized again."""
        token = stage.people.candidate.headers["Authorization"].removeprefix("Bearer ")
        assert token not in repr(kept["candidate"])

    async def test_locked_together(self, app: FastAPI, stage: Stage, kept: dict[str, ScopedAccess]) -> None:
        """One touch locks a resource for several callers; each who may not do the action has an error."""
        parley: Parley = app.state.parley
        pull = {"$unset": {f"members.{stage.people.candidate.id}": ""}}
        await parley.database.things.update_one({"_id": stage.opened}, pull)

        async def work(session: Session) -> dict[str, type[ParleyError]]:
            refused = await lock_together([*kept.values(), *kept.values()], session, "things:write")
            return {caller.role: type(error) for caller, error in refused.items()}

        refused = await in_transaction(parley.client, work)
        assert refused == {"admin": NotAParticipant, "candidate": NotAParticipant}


class TestDocumentation:
    @pytest.mark.usefixtures("client")
    async def test_lists_what_the_guard_answers(self, app: FastAPI) -> None:
        """The document lists the guard's answers: those that its actions and its scope can lead to, and no others."""
        paths = app.openapi()["paths"]
        # A key that doesn't name the action is denied it anywhere.
        identity = {"authentication_required", "invalid_token", "token_expired", "permission_denied"}
        scope = {"invalid_id", "thing_not_found", "not_a_participant"}
        assert _codes(paths["/v1/things/{thing_id}"]["get"]) == identity | scope | {"validation_error", "unavailable"}
        written = _codes(paths["/v1/things/{thing_id}/parts/{part_id}"]["post"])
        assert written >= identity | scope | {"thing_closed"}
        assert "not_a_participant" not in _codes(paths["/v1/users/me"]["get"])
        assert "invalid_id" not in _codes(paths["/v1/users"]["get"])

    @pytest.mark.usefixtures("client")
    async def test_names_the_scheme(self, app: FastAPI) -> None:
        """Guarded operations name the OAuth2 scheme, whose form the button of the documentation page uses."""
        document = app.openapi()
        [(name, scheme)] = document["components"]["securitySchemes"].items()
        flow = scheme["flows"]["password"]
        # Relative, so that it is right behind a prefix too.
        assert flow["tokenUrl"] == flow["refreshUrl"] == "v1/auth/token"
        assert document["paths"]["/v1/things/{thing_id}"]["get"]["security"] == [{name: []}]
        assert document["paths"]["/v1/auth/login"]["post"]["security"] == []

    async def test_ids(self, app: FastAPI) -> None:
        """The ids that the guard checks are documented with their pattern."""
        [parameter] = app.openapi()["paths"]["/v1/things/{thing_id}"]["get"]["parameters"]
        assert parameter["schema"]["pattern"] == ID_PATTERN


class TestHiddenExistence:
    @pytest.fixture
    def app(self, core_settings: CoreSettings) -> FastAPI:
        settings = [core_settings, auth_settings(hide_existence=True)]
        return an_application(settings, [parley_auth.plugin, TEAM, THINGS])

    async def test_stranger_learns_nothing(self, client: httpx.AsyncClient, stage: Stage) -> None:
        """With PARLEY_HIDE_EXISTENCE a stranger gets the same answer for an existing thing as for a missing one."""
        for caller in (stage.strangers.interviewer, stage.strangers.candidate):
            headers = caller.headers | {"X-Request-ID": "same"}
            there, nowhere = [
                await client.get(f"/v1/things/{thing_id}", headers=headers) for thing_id in (stage.opened, new_id())
            ]
            assert (there.status_code, there.json()["code"]) == (404, "thing_not_found")
            assert (there.text, there.headers) == (nowhere.text, nowhere.headers)

    async def test_others_see_no_difference(self, client: httpx.AsyncClient, stage: Stage) -> None:
        """Participants and administrators get the usual answers; so does a participant with the wrong role."""
        address = f"/v1/things/{stage.opened}"
        for caller in (stage.people.interviewer, stage.people.candidate, stage.people.admin):
            assert (await client.get(address, headers=caller.headers)).status_code == 200
        denied = await client.post(f"{address}/parts/{new_id()}", json={}, headers=stage.people.candidate.headers)
        assert denied.json()["code"] == "permission_denied"

    async def test_locks_too(self, client: httpx.AsyncClient, stage: Stage) -> None:
        """A participant who is removed during a write learns no more than a stranger."""
        answer = await client.put(f"/v1/things/{stage.opened}/locked", headers=stage.people.candidate.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "thing_not_found")

    @pytest.mark.usefixtures("client")
    async def test_documentation_agrees(self, app: FastAPI) -> None:
        """The document doesn't list a code that can't happen."""
        assert "not_a_participant" not in _codes(app.openapi()["paths"]["/v1/things/{thing_id}"]["get"])


class TestWebSocket:
    async def test_same_answers_before_it_is_accepted(
        self, app: FastAPI, client: httpx.AsyncClient, stage: Stage, subtests: pytest.Subtests
    ) -> None:
        """A WebSocket is refused like a request, and accepted only after the checks."""
        del client  # it keeps the application running
        expected = [
            ("anonymous", stage.opened, {}, 401, "authentication_required"),
            ("malformed id", "zzz", stage.people.candidate.headers, 400, "invalid_id"),
            ("unknown", new_id(), stage.people.candidate.headers, 404, "thing_not_found"),
            ("stranger", stage.opened, stage.strangers.candidate.headers, 403, "not_a_participant"),
        ]
        for name, thing_id, headers, status, code in expected:
            with subtests.test(name):
                start, body = await converse(app, f"/v1/things/{thing_id}/live", headers)
                assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
                assert f'"code": "{code}"'.encode() in body["body"]
        sent = await converse(app, f"/v1/things/{stage.opened}/live", stage.people.candidate.headers)
        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
        assert sent[1]["text"] == '{"relation":"subject","of":"Parley"}'


async def converse(app: FastAPI, path: str, headers: dict[str, str]) -> list[Any]:
    """Open a WebSocket on a server with denial responses, and return what the application sends."""
    sent: list[Any] = []
    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "ws",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


class TestForeignApplication:
    """An application that uses auth for its own routes."""

    @pytest.fixture
    async def host(self, core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
        rules = [PolicyRule(action="orders:read", roles=frozenset({"admin", "candidate"}))]
        parley = Parley(
            [core_settings, auth_settings()],
            plugins=[parley_auth.plugin, TEAM, a_plugin("orders", parley_policies=rules)],
        )
        app = FastAPI(lifespan=parley.lifespan)
        parley.mount(app)

        @app.get("/orders/{order_id}")
        async def read_order(order_id: int, access: Annotated[Access, Depends(Guard("orders:read"))]) -> dict[str, Any]:
            return {"order": order_id, "role": access.principal.role}

        @app.get("/orders/by-number/{order_id:int}")
        async def read_by_number(order_id: int, _: Annotated[Access, Depends(Guard("orders:read"))]) -> int:
            return order_id

        async with running_client(app) as client:
            self.app = app
            yield client

    async def test_roles_count_and_ids_are_its_own(self, host: httpx.AsyncClient) -> None:
        """The guard checks roles by the composed table, and accepts the host's ids as they are."""
        people = await some_people(self.app)
        statuses = {
            caller: (await host.get("/orders/12", headers=people.headers_of(caller))).status_code
            for caller in ("anonymous", "candidate", "interviewer", "admin")
        }
        assert statuses == {"anonymous": 401, "candidate": 200, "interviewer": 403, "admin": 200}
        answer = await host.get("/orders/12", headers=people.candidate.headers)
        assert answer.json() == {"order": 12, "role": "candidate"}
        by_number = await host.get("/orders/by-number/12", headers=people.candidate.headers)
        assert by_number.json() == 12

    async def test_its_errors_are_problems_too(self, host: httpx.AsyncClient) -> None:
        """A refusal on the host's route is a problem too."""
        answer = await host.get("/orders/12", headers=bearer(self.app.state.parley, new_id(), new_id()))
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_two_applications_in_one_process(core_settings: CoreSettings) -> None:
    """Nothing is global: two applications with different policies and secrets don't affect each other."""
    open_route = [PublicRoute("GET", "/v1/x/hello", "everybody may look")]
    other_router = Router(prefix="/x", tag="x")

    async def hello() -> str:
        return "hello"

    other_router.add_api_route("/hello", hello)
    one = an_application([core_settings, auth_settings()], [parley_auth.plugin, TEAM, THINGS])
    two_settings = auth_settings(jwt_secret="x9Kd4TnVq7RbLw2ZpMc8YhJf3sGa6EuW")
    other = a_plugin("other", parley_routers=[other_router], parley_public_routes=open_route)
    two = an_application([core_settings, two_settings], [parley_auth.plugin, other])
    async with running_client(one) as first, running_client(two) as second:
        headers = (await some_people(one)).admin.headers
        assert (await first.get("/v1/users", headers=headers)).status_code == 200
        assert (await second.get("/v1/users", headers=headers)).json()["code"] == "invalid_token"
        assert (await first.get("/v1/x/hello")).status_code == 404
        assert (await second.get("/v1/x/hello")).json() == "hello"


def _codes(operation: dict[str, Any]) -> set[str]:
    answers = [answer for status, answer in operation["responses"].items() if status >= "400" and "$ref" not in answer]
    problems = [answer["content"] for answer in answers]
    return {code for content in problems for code in content["application/problem+json"]["examples"]}
