"""What `parley serve` exports: a span for each request, counts that add up, and nothing that a caller sent."""

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from counts import rounds
from otlp import Receiver, attributes_of, receiving

from parley_app.testing import Serving, Start, environment, eventually

ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}
ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "foreign-app" / "src"
REQUESTS = rounds(300, full=1000)
# In each place where a caller can put something. They are looked for in all that leaves the process.
CANARY = "canary7f3a"
REQUEST_ID = f"request-{CANARY}"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UNKNOWN = "665f1c2ab7e4f90d1c3a5b77"
ROUTES = [
    ("GET", "/v1/users/me", 200),
    ("GET", "/v1/users", 200),
    ("GET", "/v1/users/{user_id}", 200),
    ("GET", "/v1/interviews", 200),
    ("POST", "/v1/interviews", 201),
    ("GET", "/v1/interviews/{interview_id}", 200),
    ("PATCH", "/v1/interviews/{interview_id}", 200),
    ("GET", "/v1/interviews/{interview_id}/history", 200),
    ("GET", "/v1/interviews/{interview_id}/participants", 200),
    ("GET", "/v1/interviews/{interview_id}/messages", 200),
    ("POST", "/v1/interviews/{interview_id}/messages", 201),
    ("GET", "/v1/events", 200),
]
BODIES = {
    ("POST", "/v1/interviews"): {
        "title": f"Title {CANARY}",
        "interview_type": "technical",
        "scheduled_at": "2027-03-05T09:30:00Z",
        "notes": f"Notes {CANARY}",
        "participants": [{"user_email": ADMIN["email"]}],
    },
    ("PATCH", "/v1/interviews/{interview_id}"): {"description": f"Description {CANARY}"},
    ("POST", "/v1/interviews/{interview_id}/messages"): {"content": f"Content {CANARY}"},
}


@dataclass
class Run:
    """What was sent to the two workers, and what they have exported when they have ended."""

    sent: Counter[tuple[str, str | None, int]]
    received: Receiver
    logged: str
    secrets: list[str]
    problem: dict[str, Any]


class Caller:
    """Sends requests, each tenth over a new connection, so that both workers get some."""

    def __init__(self, serving: Serving) -> None:
        self._url = serving.url
        self._client = httpx.Client(base_url=self._url)
        self.sent: Counter[tuple[str, str | None, int]] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def __call__(self, method: str, route: str | None, path: str, **options: Any) -> httpx.Response:
        """Send one and count it by its route."""
        if self.sent.total() % 10 == 0:
            self._client.close()
            self._client = httpx.Client(base_url=self._url)
        answer = self._client.request(method, path, **options)
        self.sent[method, route, answer.status_code] += 1
        return answer


def send_everything(call: Caller) -> list[str]:
    """Send the canaries, and then requests to twelve routes; return secrets that were answered."""
    tokens = call("POST", "/v1/auth/login", "/v1/auth/login", json=ADMIN).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}", "User-Agent": CANARY}
    new = BODIES["POST", "/v1/interviews"]
    ids: dict[str, str] = {
        "interview_id": call("POST", "/v1/interviews", "/v1/interviews", json=new, headers=headers).json()["id"],
        "user_id": call("GET", "/v1/users/me", "/v1/users/me", headers=headers).json()["id"],
    }
    send_canaries(call, headers)
    for number in range(REQUESTS - call.sent.total()):
        method, route, status = ROUTES[number % len(ROUTES)]
        answer = call(method, route, route.format(**ids), json=BODIES.get((method, route)), headers=headers)
        assert answer.status_code == status, answer.text
    return [tokens["access_token"], tokens["refresh_token"], *ids.values(), *ADMIN.values()]


def send_canaries(call: Caller, headers: dict[str, str]) -> None:
    """Send what is refused, found nowhere, or unheard of, with canaries wherever something can stand."""
    login = "/v1/auth/login"
    interview = "/v1/interviews/{interview_id}"
    wrong = {"email": f"{CANARY}@example.com", "password": f"password {CANARY}"}
    for method, route, path, options in (
        ("POST", login, login, {"json": wrong}),
        ("POST", login, login, {"content": f'{{"email": "{CANARY}', "headers": {"Content-Type": "application/json"}}),
        ("GET", interview, f"/v1/interviews/{CANARY}", {"headers": headers}),
        ("GET", interview, f"/v1/interviews/{UNKNOWN}", {"headers": headers}),
        ("GET", "/v1/interviews", f"/v1/interviews?q={CANARY}", {"headers": headers}),
        ("GET", "/v1/interviews", f"/v1/interviews?{CANARY}=1", {"headers": headers}),
        ("GET", "/v1/users/me", "/v1/users/me", {"headers": {"Authorization": f"Bearer {CANARY}"}}),
        ("DELETE", "/v1/users/me", "/v1/users/me", {"headers": headers}),
        ("GET", None, f"/{CANARY}", {}),
        ("GET", None, f"/v1/{CANARY}?{CANARY}={CANARY}#{CANARY}", {"headers": {"Host": f"{CANARY}.example"}}),
        ("HEAD", "/v1/interviews", "/v1/interviews", {"headers": headers | {"X-Request-ID": REQUEST_ID}}),
    ):
        call(method, route, path, **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Two workers between their start and their end."""
    folder = tmp_path_factory.mktemp("telemetry")
    starter = Start(folder)
    with receiving() as receiver:
        settings = {
            "PARLEY_ADMIN_EMAIL": ADMIN["email"],
            "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.instance.id=pod-1",
            # What FastAPI would add would send everything twice.
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        }
        serving = starter("--data-dir", folder / "data", "--workers", "2", **settings)
        for _ in range(10):
            assert [serving.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        with Caller(serving) as call:
            problem = call("GET", None, "/nowhere", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}).json()
            secrets = send_everything(call)
        assert serving.stop() == 0
        yield Run(call.sent, receiver, serving.logged, secrets, problem)
    starter.end_all()


def test_each_request_is_one_span(run: Run) -> None:
    spans = run.received.spans("SERVER")
    found: Counter[Any] = Counter()
    for attributes in map(attributes_of, spans):
        keys = "http.request.method", "http.route", "http.response.status_code"
        found[tuple(attributes.get(key) for key in keys)] += 1
    assert found == run.sent
    assert len(spans) == REQUESTS
    assert len({route for _, route, _ in run.sent if route}) >= 9


def test_the_counts_of_all_workers_add_up(run: Run) -> None:
    keys = "http.request.method", "http.route", "http.response.status_code"
    assert run.received.counts("http.server.request.duration", *keys) == run.sent


def test_parleys_own_metrics_add_up(run: Run) -> None:
    """Each answer that was an error is counted once, by one of the workers, and each event comes into the log once."""
    problems = run.received.sums("parley.problems", "code")
    errors = sum(count for (_, _, status), count in run.sent.items() if status >= HTTPStatus.BAD_REQUEST)
    assert problems.total() == errors > 5
    assert problems[("invalid_id",)] == 1
    created = run.sent["POST", "/v1/interviews", HTTPStatus.CREATED]
    assert run.received.counts("parley.relay.lag").total() > created > 0
    lookups = run.received.sums("parley.cache.lookups", "result")
    assert min(lookups[(result,)] for result in ("hit", "miss")) > 0


def test_each_worker_is_an_instance(run: Run) -> None:
    """What the environment says of the service holds for both; two of one name would overwrite each other."""
    resources = run.received.resources()
    assert len({resource["service.instance.id"] for resource in resources}) == 2
    for resource in resources:
        assert resource["service.name"] == "parley"
        assert resource["deployment.environment.name"] == "test"
        assert resource["service.instance.id"].startswith("pod-1-")
    assert {headers["x-key"] for headers in run.received.headers} == {"secret"}


def test_the_path_is_a_template(run: Run) -> None:
    for attributes in map(attributes_of, run.received.spans("SERVER")):
        assert attributes.get("url.path") == attributes.get("http.route")
        assert "url.query" not in attributes


def test_a_trace_is_joined(run: Run) -> None:
    """The span is below the caller's, and the problem names the trace."""
    [span] = [span for span in run.received.spans("SERVER") if span.trace_id.hex() == TRACE]
    assert span.parent_span_id.hex() == PARENT
    assert run.problem["trace_id"] == TRACE


def test_commands_belong_to_requests(run: Run) -> None:
    """Each has the name and the collection, and is below the span of a request."""
    servers = {span.span_id for span in run.received.spans("SERVER")}
    commands = run.received.spans("CLIENT")
    assert {span.parent_span_id for span in commands} <= servers
    names = {span.name for span in commands}
    assert {"find interviews", "find users", "insert interviews", "insert messages", "commitTransaction"} <= names
    attributes = [attributes_of(span) for span in commands]
    assert {a["db.system.name"] for a in attributes} == {"mongodb"}
    assert {a["db.namespace"] for a in attributes} <= {"parley", "admin"}
    known = {"db.system.name", "db.namespace", "db.operation.name", "db.collection.name", "error.type"}
    assert {key for a in attributes for key in a} <= known
    assert {"db.collection.name", "db.operation.name"} <= {key for a in attributes for key in a}


def test_nothing_that_a_caller_sent_is_exported(run: Run) -> None:
    text = b"".join(run.received.raw).decode("latin-1")
    assert "/v1/interviews/{interview_id}" in text  # it would be seen
    assert [word for word in (CANARY, UNKNOWN, *run.secrets) if word in text] == []
    # Neither in what is exported beside the attributes that the other tests look at.
    assert [span for span in run.received.spans() if span.events or span.links or span.status.message] == []


def test_nothing_that_a_caller_sent_is_logged(run: Run) -> None:
    """Save the id that they give their request, which is there to be found."""
    text = run.logged.replace(REQUEST_ID, "")
    assert "/v1/interviews/{interview_id}" in text  # it would be seen
    assert [word for word in (CANARY, *run.secrets[:2], ADMIN["password"]) if word in text] == []


README = (ROOT / "packages/auth/README.md").read_text(encoding="utf-8")
[SET_UP] = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "set_tracer_provider" in code]
# An application that sets its own SDK up, as the README of parley-auth says.
REUSER = f"""
import sys

import uvicorn

{SET_UP}
from library import create_app

uvicorn.run(create_app(), uds=sys.argv[1], log_level="warning")
"""


def test_a_reuser_with_an_sdk_of_their_own_sees_one_span(tmp_path: Path) -> None:
    """Of each request, own routes and Parley's alike, although FastAPI is asked to export too."""
    socket = tmp_path / "library.sock"
    with receiving() as receiver:
        settings = {
            "PARLEY_DATA_DIR": str(tmp_path / "data"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
            "PYTHONPATH": str(EXAMPLE),
        }
        with subprocess.Popen([sys.executable, "-c", REUSER, str(socket)], env=environment(**settings)) as process:
            eventually(lambda: socket.exists() or process.poll() is not None)
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://library") as client:
                assert client.get(f"/books?q={CANARY}").status_code == 200
                problem = client.get(f"/v1/users/me?{CANARY}").json()
                assert client.get(f"/{CANARY}").status_code == 404
            # At SIGTERM uvicorn ends the process before the SDK sends the rest.
            process.send_signal(signal.SIGINT)
        routes = sorted(str(attributes_of(span).get("http.route")) for span in receiver.spans("SERVER"))
        assert routes == ["/books", "/v1/users/me", "None"]
        assert problem["trace_id"] in {span.trace_id.hex() for span in receiver.spans("SERVER")}
        assert CANARY.encode() not in b"".join(receiver.raw)
