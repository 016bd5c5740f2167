"""The browser client of docs/messages.md, run by node against `parley serve`."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from parley_app.testing import Serving, Start
from parley_messaging.testing import address

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"
ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}
NODE = shutil.which("node")
_LINES = 15
_DRIVER = """
const [url, token] = process.argv.slice(2);
const tokens = { access: "expired", refresh() { console.log('"refreshed"'); this.access = token; } };
try {
  for await (const message of follow(url, tokens)) console.log(JSON.stringify(message.seq));
} catch (error) {
  console.log(JSON.stringify(error.message));
}
"""


def client() -> str:
    """Return the page's client."""
    [block] = re.findall(r"^```js\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    starter = Start(tmp_path)
    yield starter
    starter.end_all()


def serve(start: Start, folder: Path, port: str = "0") -> Serving:
    options = ("--data-dir", folder / "data", "--port", port)
    return start(*options, PARLEY_ADMIN_EMAIL=ADMIN["email"], PARLEY_ADMIN_PASSWORD=ADMIN["password"])


async def log_in(client: httpx.AsyncClient) -> str:
    """Return the administrator's access token, which the client sends from now on."""
    token = str((await client.post("/v1/auth/login", json=ADMIN)).json()["access_token"])
    client.headers["Authorization"] = f"Bearer {token}"
    return token


async def an_interview(client: httpx.AsyncClient) -> str:
    """Create an interview in which the administrator takes part."""
    body = {"title": "Backend", "interview_type": "technical", "scheduled_at": "2027-03-01T09:30:00Z"}
    participants = [{"user_email": ADMIN["email"]}]
    answer = await client.post("/v1/interviews", json=body | {"participants": participants})
    return str(answer.json()["id"])


class Node:
    """A program that node runs, and what it prints."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self, *expected: object) -> None:
        """Fail unless these are the next lines."""
        assert self._process.stdout
        for value in expected:
            line = await asyncio.wait_for(self._process.stdout.readline(), 15)
            assert json.loads(line) == value


@asynccontextmanager
async def running(program: Path, *arguments: str) -> AsyncIterator[Node]:
    """Run a program for the time of the block."""
    assert NODE
    process = await asyncio.create_subprocess_exec(NODE, program, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        yield Node(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def test_size() -> None:
    """The client fits on a card."""
    assert len(client().splitlines()) <= _LINES


@pytest.mark.skipif(NODE is None, reason="node is not installed")
async def test_client(start: Start, tmp_path: Path) -> None:
    """It refreshes its token, yields each message once, survives a restart, and reports why it lost access."""
    program = tmp_path / "client.mjs"
    program.write_text(client() + _DRIVER)
    serving = serve(start, tmp_path)
    async with httpx.AsyncClient(base_url=serving.url) as browser:
        token = await log_in(browser)
        interview = await an_interview(browser)
        messages, port = address(interview), str(serving.port)
        await browser.post(messages, json={"content": "a\n\nb"})
        async with running(program, f"{serving.url}{messages}/stream", token) as node:
            await node.says("refreshed", 1)
            await browser.post(messages, json={"content": "data: {}\nid: 9"})
            await node.says(2)
            serving.stop()
            serve(start, tmp_path, port)
            await browser.post(messages, json={"content": "again"})
            await node.says(3)
            me = (await browser.get("/v1/users/me")).json()["id"]
            await browser.delete(f"/v1/interviews/{interview}/participants/{me}")
            await node.says("not_a_participant")
