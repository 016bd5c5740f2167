"""Every text of a promised length fits into a body, however a client's JSON escapes it (contract, lines 8 and 29)."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_interviews.testing import an_interview, create_interview

EMOJI = "\U0001f600"
ESCAPED = len(json.dumps(EMOJI)) - 2
"""Bytes of the widest character in JSON: two escapes of six."""
LIMIT, SMALL_LIMIT = 256 * 1024, 4 * 1024
PASSWORD = EMOJI * 128


def as_escapes(text: str) -> str:
    """Return JSON in which each character is an escape, also those that need none."""
    units = text.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + '"'


def as_usual(text: str) -> str:
    return json.dumps(text)


def as_capitals(text: str) -> str:
    """Return JSON as encoders write it that spell escapes in capitals."""
    return as_escapes(text).upper().replace("\\U", "\\u")


def with_slashes(text: str) -> str:
    """Return JSON as PHP writes it, with an escape before each slash."""
    return json.dumps(text, ensure_ascii=False).replace("/", "\\/")


WAYS = (as_escapes, as_usual, as_capitals, with_slashes)
TEXTS = {
    "emoji": EMOJI,
    "letters": "ä",
    "slashes": "/",
    "quotes": '"',
    "lines": "a\n",
    "ascii": "a",
    "joined": "\u200da",
}


def widest(schema: dict[str, Any], known: dict[str, Any]) -> int:
    """Return the bytes of the largest JSON text of a schema; what has no promised length counts nothing."""
    if ref := schema.get("$ref"):
        return widest(known[ref.rpartition("/")[2]], known)
    if kinds := schema.get("anyOf"):
        return max(widest(kind, known) for kind in kinds)
    if schema.get("type") == "object":
        return 2 + sum(len(name) + 6 + widest(field, known) for name, field in schema.get("properties", {}).items())
    if schema.get("type") == "array":
        # Texts in lists are names of actions and events, which need no escapes.
        item = {**schema["items"], "pattern": "^a"} if schema["items"].get("type") == "string" else schema["items"]
        return 2 + int(schema.get("maxItems", 0)) * (2 + widest(item, known))
    return _widest_text(schema) if schema.get("type") == "string" else 25


def _widest_text(schema: dict[str, Any]) -> int:
    longest = int(schema.get("maxLength", 0))
    if schema.get("format") == "email":
        # Of 254 bytes in UTF-8, two to each escape.
        return 2 + longest * 3
    is_free = "format" not in schema and re.search(schema.get("pattern", ""), EMOJI)
    return 2 + longest * (ESCAPED if is_free else 1)


def test_every_body(app: FastAPI) -> None:
    """All texts of a body together, each as long as it may be and of the widest characters, stay below the limit."""
    document, sizes = app.openapi(), {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                if kind == "application/json":
                    sizes[path] = widest(content["schema"], document["components"]["schemas"])
    assert sizes["/v1/interviews/{interview_id}/messages"] > 8000 * ESCAPED
    assert sizes["/v1/interviews"] > 10_000 * ESCAPED
    assert len(sizes) > 10
    for path, size in sizes.items():
        assert size <= (SMALL_LIMIT if path.startswith("/v1/auth/") else LIMIT), path


class TestMessages:
    @pytest.mark.parametrize("way", WAYS)
    async def test_longest(
        self, client: httpx.AsyncClient, admin: Account, candidate: Account, way: Callable[[str], str]
    ) -> None:
        """8,000 characters of any kind are taken and returned as they were meant, whatever they are escaped like."""
        interview = await create_interview(client, admin, candidate)
        headers = {**candidate.headers, "Content-Type": "application/json"}
        for character in TEXTS:
            text = (character * 8000)[:8000]
            body = f'{{"content": {way(text)}}}'.encode()
            answer = await client.post(f"/v1/interviews/{interview['id']}/messages", content=body, headers=headers)
            assert (answer.status_code, len(body) <= LIMIT) == (201, True), answer.text
            assert answer.json()["content"] == text
            longer = f'{{"content": {way(text + "x")}}}'.encode()
            answer = await client.post(f"/v1/interviews/{interview['id']}/messages", content=longer, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


class TestOthers:
    async def test_interview(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """An interview whose texts are all as long as they may be is created with participants, and changed."""
        people = [await an_account(app) for _ in range(3)]
        participants = [{"user_email": person.user.email, "participant_role": "candidate"} for person in people]
        texts = {"title": EMOJI * 200, "description": EMOJI * 5000, "notes": EMOJI * 5000, "location": EMOJI * 200}
        body = json.dumps(an_interview(**texts, participants=participants)).encode()
        headers = {**admin.headers, "Content-Type": "application/json"}
        created = await client.post("/v1/interviews", content=body, headers=headers)
        assert created.status_code == 201, created.text
        assert {name: created.json()[name] for name in texts} == texts
        # As many as may be, each by the longest address, are below the limit too.
        longest = {"user_email": "ä" * 127, "participant_role": "candidate", "invite": False}
        assert len(json.dumps(an_interview(**texts, participants=[longest] * 100))) < LIMIT
        address = f"/v1/interviews/{created.json()['id']}"
        changed = await client.patch(address, content=json.dumps(texts).encode(), headers=headers)
        assert changed.status_code == 200, changed.text

    async def test_credentials(self, client: httpx.AsyncClient) -> None:
        """The longest name, password and address register and log in within the 4 KiB of /auth, and by a form too."""
        label = "x" * 60
        email = f"{'a' * 60}@{label}.{label}.{label}.example.org"[:254]
        account = {"email": email, "name": EMOJI * 100, "password": PASSWORD}
        headers = {"Content-Type": "application/json"}
        body = json.dumps(account).encode()
        assert len(body) < SMALL_LIMIT
        registered = await client.post("/v1/auth/register", content=body, headers=headers)
        assert (registered.status_code, registered.json().get("name")) == (201, EMOJI * 100), registered.text
        for way in (as_usual, as_escapes):
            body = f'{{"email": {way(email)}, "password": {way(PASSWORD)}}}'.encode()
            assert (await client.post("/v1/auth/login", content=body, headers=headers)).status_code == 200
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        assert (await client.post("/v1/auth/token", data=form)).status_code == 200
