"""The browser client of docs/messages.md, run by node against `parley serve`."""

import asyncio
import itertools
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
_LINES = 25
_DRIVER = """
const [url, token] = process.argv.slice(2);
const tokens = { access: "expired", refresh() { console.log('"refreshed"'); this.access = token; } };
try {
  for await (const message of follow(url, tokens)) console.log(JSON.stringify(message.seq));
} catch (error) {
  console.log(JSON.stringify(error.message));
}
"""
_REFRESHING = """
const tokens = session(process.argv[2], { access_token: "a1", refresh_token: "r1" });
console.log(JSON.stringify(tokens.access));
await Promise.all([tokens.refresh(), tokens.refresh()]);
console.log(JSON.stringify(tokens.access));
await tokens.refresh().catch((error) => console.log(JSON.stringify(error.message)));
"""


def blocks() -> list[str]:
    """Return the page's client: what follows, and what refreshes its token."""
    return re.findall(r"^```js\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def program(folder: Path, driver: str) -> Path:
    """Write a program that uses the page's client."""
    path = folder / "client.mjs"
    path.write_text("".join(blocks()) + driver)
    return path


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


class Scripted:
    """A server that gives prepared answers, one for each connection, and notes the requests and when they came."""

    def __init__(self, *answers: str) -> None:
        self._answers = iter(answers)
        self.requests: list[str] = []
        self.times: list[float] = []

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.times.append(asyncio.get_running_loop().time())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        self.requests.append(head + (await reader.readexactly(int(length[1])) if length else b"").decode())
        writer.write(next(self._answers).encode())
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve for the time of the block; yield the address."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def keys(self) -> list[str]:
        """Return the `Idempotency-Key` of each request."""
        return re.findall(r"^idempotency-key: (\S+)", "\n".join(self.requests), re.IGNORECASE | re.MULTILINE)

    def pauses(self) -> list[float]:
        """Return the seconds between the requests."""
        return [later - earlier for earlier, later in itertools.pairwise(self.times)]


def an_answer(status: int, body: object, *headers: str) -> str:
    """Return an answer with a JSON body."""
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", "Connection: close", *headers]
    return "\r\n".join([*lines, "", json.dumps(body)])


def test_size() -> None:
    """Each half of the client fits on a card."""
    following, refreshing = blocks()
    assert max(len(following.splitlines()), len(refreshing.splitlines())) <= _LINES


@pytest.mark.skipif(NODE is None, reason="node is not installed")
async def test_client(start: Start, tmp_path: Path) -> None:
    """It refreshes its token, yields each message once, survives a restart, and reports why it lost access."""
    serving = serve(start, tmp_path)
    async with httpx.AsyncClient(base_url=serving.url) as browser:
        token = await log_in(browser)
        interview = await an_interview(browser)
        messages, port = address(interview), str(serving.port)
        await browser.post(messages, json={"content": "a\n\nb"})
        stream = f"{serving.url}{messages}/stream"
        async with running(program(tmp_path, _DRIVER), stream, token) as node:
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


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("last", [401, 403, 404])
async def test_pauses(tmp_path: Path, last: int) -> None:
    """It waits as `Retry-After` says, else twice as long each time, and ends when access is gone."""
    unavailable, denied = an_answer(503, {}), an_answer(last, {"code": "gone"})
    ends = [denied] if last != 401 else [denied, denied]  # the first one may be an expired token
    server = Scripted(an_answer(429, {}, "Retry-After: 2"), unavailable, unavailable, *ends)
    async with server.serving() as address, running(program(tmp_path, _DRIVER), address, "token") as node:
        await node.says(*(["refreshed"] if last == 401 else []), "gone")
    waited = server.pauses()
    assert [int(seconds) for seconds in waited[:3]] == [2, 1, 2]
    assert len(waited) == 2 + len(ends)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
async def test_lost_answers(tmp_path: Path) -> None:
    """A refresh whose answer gets lost is repeated with its key; the next one has another key."""
    pair = {"access_token": "a2", "refresh_token": "r2"}
    server = Scripted("", an_answer(200, pair), an_answer(401, {"code": "refresh_reused"}))
    async with server.serving() as address, running(program(tmp_path, _REFRESHING), address) as node:
        await node.says("a1", "a2", "refresh_reused")
    first, again, other = server.keys()
    assert first == again != other
    assert [("r1" in r, "r2" in r) for r in server.requests] == [(True, False), (True, False), (False, True)]
