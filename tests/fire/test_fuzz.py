"""Whatever is sent, no answer is 5xx, and each has a status, headers and a media type that the document names.

Requests at the edges of each schema and at random are made by Schemathesis and sent as five callers, and all its
checks look at the answers. Others come from a corpus that was made by hand.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from calls import valid_calls
from corpus import Sent, sent, variants
from fastapi import FastAPI, Response
from fuzzing import EXCLUDED, Found, Fuzzer
from tools import EMAIL, PASSWORD
from wire import UNREAD, exchange

from parley_app import create_app
from parley_app.testing import Start
from parley_auth.testing import auth_settings
from parley_core import Router
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application
from parley_core.testing.documented import Documented
from parley_core.testing.streams import served
from parley_webhooks.testing import Inbox, webhooks_settings

SHORT = 1000
"""Requests of each of the two runs, about."""
CALLERS = ("admin", "interviewer", "candidate", "key", "nobody")
EDGES = 46
"""So many requests are at the edges of an operation's schemas, on average."""
AT_A_TIME = 8
WORN = 60
"""After so many changes accounts and things are made anew: some were made useless."""
Figures = Callable[[str], None]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with all installed packages and an administrator."""
    folder = tmp_path_factory.mktemp("serve")
    start = Start(folder)
    admin = {"PARLEY_ADMIN_EMAIL": EMAIL, "PARLEY_ADMIN_PASSWORD": PASSWORD}
    serving = start(
        "--data-dir",
        folder / "data",
        PARLEY_ACCESS_TOKEN_MINUTES="60",
        PARLEY_WEBHOOKS_ALLOW_NETWORKS="127.0.0.0/8",
        **admin,
    )
    yield serving.url
    start.end_all()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    """A client of it, as the administrator."""
    with httpx.Client(base_url=f"{url}/v1/", timeout=60) as client:
        client.headers.update(logged_in(client, EMAIL))
        yield client


def logged_in(client: httpx.Client, email: str) -> dict[str, str]:
    """Log in; return the headers of the new session."""
    # From another site than the made-up logins, which soon have to wait.
    elsewhere = {"X-Forwarded-For": "192.0.2.1"}
    answer = client.post("auth/login", json={"email": email, "password": PASSWORD}, headers=elsewhere)
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def created(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    thing: dict[str, Any] = client.post(path, json=body).raise_for_status().json()
    return thing


@pytest.fixture(scope="module")
def people(client: httpx.Client) -> dict[str, str]:
    """An interviewer and a candidate: their ids by their roles."""
    return {
        role: created(client, "users", email=f"{role}@example.com", role=role, password=PASSWORD)["id"]
        for role in ("interviewer", "candidate")
    }


def headers_of(client: httpx.Client, caller: str) -> dict[str, str]:
    """Return what a caller sends to be known, for an hour."""
    if caller == "key":
        actions = ["participants:add", *(f"interviews:{action}" for action in ("list", "read", "create", "update"))]
        return {"Authorization": f"Bearer {created(client, 'api-keys', name='Sync', actions=actions)['key']}"}
    emails = {"admin": EMAIL, "interviewer": "interviewer@example.com", "candidate": "candidate@example.com"}
    return logged_in(client, emails[caller]) if caller in emails else {}


def things(client: httpx.Client, people: Mapping[str, str], number: int) -> dict[str, str]:
    """Create one thing of each kind, and somebody whose account may be ruined; return their ids by the parameter.

    There may be so many of some and no more: those that there are already are deleted.
    """
    for path in ("webhooks", "calendar/feeds", "api-keys"):
        for item in client.get(path, params={"limit": 100}).raise_for_status().json()["items"]:
            client.delete(f"{path}/{item['id']}").raise_for_status()
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "user_id": ("users", {"email": f"ruined-{number}@example.com", "role": "candidate"}),
        "webhook_id": ("webhooks", {"url": "https://127.0.0.1:9/", "types": ["interview.created"]}),
        "feed_id": ("calendar/feeds", {}),
        "key_id": ("api-keys", {"name": "Sync", "actions": ["interviews:read"]}),
    }
    ids: dict[str, str] = {name: created(client, path, **body)["id"] for name, (path, body) in bodies.items()}
    interview = {"title": "Backend", "interview_type": "technical", "scheduled_at": "2030-03-01T09:30:00Z"}
    participants = [{"user_id": user_id} for user_id in (*people.values(), ids["user_id"])]
    return ids | {"interview_id": created(client, "interviews", **interview, participants=participants)["id"]}


def dealt(operations: list[str], budget: int, seed: int) -> tuple[dict[str, list[str]], int]:
    """Return which operations each caller sends, and how many requests at random of each.

    With a small budget an operation is sent by some callers only; none is sent by two before each is sent by one.
    """
    shuffled = random.Random(seed).sample(operations, len(operations))  # noqa: S311 - a test's
    hands = [(CALLERS[(turn + at) % len(CALLERS)], name) for turn in range(5) for at, name in enumerate(shuffled)]
    wanted = max(1, budget // (EDGES + 1))
    chosen = hands[:wanted]
    by_caller = {caller: [name for who, name in chosen if who == caller] for caller in CALLERS}
    return by_caller, max(1, budget // len(chosen) - EDGES)


def in_parts(by_caller: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield a few operations at a time with who sends them: accounts and things are made anew for each part."""
    for caller, names in by_caller.items():
        for at in range(0, len(names), AT_A_TIME):
            yield caller, names[at : at + AT_A_TIME]


def test_made_up_requests(
    client: httpx.Client, url: str, people: Mapping[str, str], *, budget: int, seed: int, figures: Figures
) -> None:
    """No check of Schemathesis fails, and the document names whatever is sent."""
    document = client.get(f"{url}/openapi.json").json()
    operations = sorted(Documented(document).operation_ids() - EXCLUDED.keys())
    by_caller, examples = dealt(operations, budget, seed)
    total = Found()
    for number, (caller, names) in enumerate(in_parts(by_caller)):
        client.headers.update(logged_in(client, EMAIL))
        ids, headers = things(client, people, number), headers_of(client, caller)
        fuzzer = Fuzzer(url=url, document=document, ids=ids, seed=seed)
        total.add(fuzzer.run(headers, names, examples))
        if caller in {"admin", *people}:  # else these requests were refused for want of an account
            assert client.get("users/me", headers=headers).status_code == 200, (caller, names)
    figures(f"{total.cases} made-up requests, seed {seed}, {examples} at random of each operation and caller")
    figures(f"{len(total.faults)} faults; statuses {dict(sorted(total.statuses.items()))}")
    assert not total.faults, "\n\n".join(list(total.faults)[:20])
    accepted = sum(count for status, count in total.statuses.items() if status < 400)
    assert accepted >= total.cases // 50


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def receiver(authority: trustme.CA) -> AsyncIterator[str]:
    """The address of a receiver of webhooks."""
    async with Inbox(authority) as inbox:
        yield inbox.address


@pytest.fixture
def app(core_settings: CoreSettings, authority: trustme.CA, tmp_path: Path) -> FastAPI:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return create_app([core_settings, auth_settings(), webhooks_settings(tmp_path / "ca.pem")])


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


def parameters_of(app: FastAPI, operation: str) -> list[dict[str, Any]]:
    """Return the documented parameters of an operation, such as `GET /v1/users`."""
    method, path = operation.split(" ")
    parameters: list[dict[str, Any]] = app.openapi()["paths"][path][method.lower()].get("parameters", [])
    return parameters


async def corpus(app: FastAPI, client: httpx.AsyncClient, receiver: str, *operations: str) -> dict[str, list[Sent]]:
    """Return the requests of the corpus by operation, on new accounts and things."""
    await app.state.parley.database["webhooks"].delete_many({})  # there may be so many and no more
    calls = await valid_calls(app, client, receiver)
    return {name: list(variants(name, call, parameters_of(app, name))) for name, call in calls.items()}


def faults_of(answer: httpx.Response, documented: Documented) -> list[str]:
    """Return what is wrong with an answer."""
    if answer.content == UNREAD:
        return []
    found = documented.missing(answer)
    if answer.status_code >= 500:
        found.append(f"status {answer.status_code}: {answer.text[:300]}")
    if answer.is_error and answer.content and "code" not in answer.text:
        found.append(f"no problem: {answer.text[:300]}")
    return found


async def replay(port: int, request: Sent, documented: Documented) -> tuple[int, list[str]]:
    """Send a request; return its status and what is wrong with the answer."""
    try:
        answer = await exchange(port, request)
    except (ConnectionError, TimeoutError) as error:
        return 0, [f"no answer: {error!r}"]
    return answer.status_code, faults_of(answer, documented)


async def test_corpus(
    app: FastAPI, server: httpx.AsyncClient, receiver: str, *, budget: int, seed: int, figures: Figures
) -> None:
    """Every request of the corpus, in every place of every operation; with a small budget a sample of them."""
    port, documented = server.base_url.port or 80, Documented(app.openapi())
    made = await corpus(app, server, receiver)
    every = [(operation, number) for operation, requests in made.items() for number in range(len(requests))]
    chosen = sorted(random.Random(seed).sample(every, min(budget, len(every))))  # noqa: S311 - a test's
    statuses, faults, changed = Counter[int](), list[str](), 0
    for operation, number in chosen:
        request = made[operation][number]
        status, found = await replay(port, request, documented)
        statuses[status] += 1
        faults += [f"{operation} {fault}: {request!r:.2000}" for fault in found]
        changed += status < 400 and request.method not in {"GET", "HEAD"}
        if changed >= WORN:
            made, changed = await corpus(app, server, receiver), 0
    figures(f"{len(chosen)} of {len(every)} requests of the corpus, seed {seed}")
    figures(f"{len(faults)} faults; statuses {dict(sorted(statuses.items()))}")
    assert not faults, "\n\n".join(faults[:20])


async def test_valid_requests_are_valid(app: FastAPI, server: httpx.AsyncClient, receiver: str) -> None:
    """What the corpus starts from is accepted: else it would only meet what is refused before it is read."""
    port, documented = server.base_url.port or 80, Documented(app.openapi())
    calls = await valid_calls(app, server, receiver)
    for operation, call in calls.items():
        status, found = await replay(port, sent(operation, call), documented)
        assert status < 400, (operation, status)
        assert not found


async def test_faults_are_seen(core_settings: CoreSettings) -> None:
    """A route that fails, and one that sends what its document lacks, are found in the corpus's own way."""
    router = Router(prefix="/broken", tag="broken")

    @router.get("/crash")
    async def crash() -> None:
        """Fail."""
        raise RuntimeError("broken")

    @router.get("/header")
    async def header(response: Response) -> None:
        """Send a header that no document names."""
        response.headers["X-Secret"] = "1"

    app = an_application([core_settings], [a_plugin("broken", parley_routers=[router])])
    async with served(app) as client:
        port, documented = client.base_url.port or 80, Documented(app.openapi())
        [(status, crashed), (_, sent_more)] = [
            await replay(port, Sent("GET", target), documented)
            for target in (b"/v1/broken/crash", b"/v1/broken/header")
        ]
    assert status == 500
    assert crashed
    assert "x-secret" in sent_more[0]
