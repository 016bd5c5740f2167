"""Requests that Schemathesis makes of the document's schemas, and what a server answers."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from counts import rounds
from tools import PASSWORD, Run

from parley_app.testing import Serving
from parley_core.testing.documented import Documented

CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance,response_headers_conformance"
EXCLUDED = {
    "end_session": "it would end the session that all others need",
    "log_out": "the same",
    "log_out_everywhere": "the same",
    "stream_events": "its answer has no end",
    "stream_messages": "the same",
    "create_webhook": "events would be sent to the hosts that are made up",
    "update_webhook": "the same",
}
BEYOND = {
    "email": "`format: email` takes more than mail servers do",
    "int_type": "JSON Schema takes 60.0 for an integer",
    "invalid_cursor": "only the server makes cursors",
    "position_ahead": "the log is shorter",
    "span": "no schema compares two parameters",
    "time_zone": "the tz database has 600 names",
}
"""Code -> why no schema can say it. Every other refusal of the category `validation` contradicts the schema."""


@pytest.fixture(scope="module")
def resources(served: Serving, token: str) -> dict[str, str]:
    """One resource of each kind, by the parameter that names it in a path."""
    interview = {"title": "Backend", "interview_type": "technical", "scheduled_at": "2030-03-01T09:30:00Z"}
    bodies = {
        "interview_id": ("interviews", interview),
        "user_id": ("users", {"email": "grace@example.com", "role": "interviewer", "password": PASSWORD}),
        "webhook_id": ("webhooks", {"url": "https://127.0.0.1:9/", "types": ["interview.created"]}),
        "feed_id": ("calendar/feeds", {}),
        "key_id": ("api-keys", {"name": "Sync", "actions": ["interviews:read"]}),
    }
    with httpx.Client(base_url=f"{served.url}/v1/", headers={"Authorization": f"Bearer {token}"}) as client:
        answers = {name: client.post(path, json=body) for name, (path, body) in bodies.items()}
    return {name: answer.raise_for_status().json()["id"] for name, answer in answers.items()}


@pytest.fixture(scope="module")
def exchanges(
    python_tool: Run, served: Serving, token: str, resources: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Sequence[dict[str, Any]]:
    """Every request and its answer; of the same document the same requests are made each time."""
    folder = tmp_path_factory.mktemp("schemathesis")
    lines = [f'"path.{name}" = "{value}"' for name, value in resources.items()]
    (folder / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines]))
    amount = ("--mode=positive", "--phases=examples,fuzzing", f"--max-examples={rounds(10, full=100)}")
    steady = ("--generation-deterministic", "--no-shrink", "--continue-on-failure", "--request-timeout=10")
    excluded = [f"--exclude-operation-id={name}" for name in EXCLUDED]
    report = ("--report=har", f"--report-har-path={folder / 'report.har'}", "--no-color", "--warnings=off")
    options = (f"--header=Authorization: Bearer {token}", f"--checks={CHECKS}", *amount, *steady, *excluded, *report)
    ran = python_tool("schemathesis", "run", f"{served.url}/openapi.json", *options, cwd=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    still = httpx.get(f"{served.url}/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    assert still.status_code == 200  # else most requests were refused for want of a session
    exchanges: list[dict[str, Any]] = json.loads((folder / "report.har").read_bytes())["log"]["entries"]
    return exchanges


def test_every_operation_was_called(exchanges: Sequence[dict[str, Any]], documented: Documented) -> None:
    """Apart from those that are excluded, and there are hundreds of requests."""
    asked = [(e["request"]["method"].lower(), urlsplit(e["request"]["url"]).path) for e in exchanges]
    called = {documented.operations_at(path).get(method, {}).get("operationId") for method, path in asked}
    assert called == documented.operation_ids() - EXCLUDED.keys()
    assert len(exchanges) > 200


def test_what_is_valid_is_not_refused(exchanges: Sequence[dict[str, Any]]) -> None:
    """What the schemas allow may fail because of what is stored, but never because of what was sent."""
    assert not (refused := sorted(set(refusals(exchanges)))), "\n".join(refused)


def test_answers_are_documented(exchanges: Sequence[dict[str, Any]], documented: Documented) -> None:
    """No answer has a status or a header that the document doesn't list."""
    missing = {fault for exchange in exchanges for fault in documented.missing(answer_of(exchange))}
    assert not missing, "\n".join(sorted(missing))


def answer_of(exchange: dict[str, Any]) -> httpx.Response:
    """Return the answer that a HAR file describes."""
    request, response = exchange["request"], exchange["response"]
    headers = [(header["name"], header["value"]) for header in response["headers"]]
    return httpx.Response(response["status"], headers=headers, request=httpx.Request(request["method"], request["url"]))


def refusals(exchanges: Sequence[dict[str, Any]]) -> Iterator[str]:
    for exchange in exchanges:
        request, response = exchange["request"], exchange["response"]
        problem = json.loads(response["content"]["text"]) if response["status"] == 400 else {}
        codes = {entry["code"] for entry in problem.get("errors", ())} or {problem.get("code")}
        if problem.get("category") == "validation" and codes - BEYOND.keys():
            sent = request.get("postData", {}).get("text", "")
            found = problem.get("errors", problem["detail"])
            yield f"{request['method']} {urlsplit(request['url']).path}: {problem['code']} {found}: {sent}"[:300]
