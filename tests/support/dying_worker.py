"""A worker that dies at a command of its choice: run by its path, it answers one line of standard input with one line.

It composes the application once. For each line it forks a process that starts the application, sends it one request,
and kills itself (SIGKILL) once so many of its commands are answered by MongoDB.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import httpx
from fastapi import FastAPI
from pymongo import monitoring

from parley_app import create_app

_WRITES = {"insert", "update", "delete", "findAndModify", "commitTransaction"}


class Doom(monitoring.CommandListener):
    """Counts the commands that change something, and kills the process once enough of them are answered.

    What is sent in other tasks counts too, since a batch does a request's work in one of its own. Between two writes
    nothing changes, so a kill after a read is a kill after the write before it.
    """

    def __init__(self) -> None:
        self.is_armed = False
        self.sent: list[str] = []
        self.dies_after: int | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.is_armed and event.command_name in _WRITES:
            self._die_after(0)
            self.sent.append(f"{event.command_name} {event.command[event.command_name]}")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if self.is_armed and event.command_name in _WRITES:
            self._die_after(len(self.sent))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        if self.is_armed and event.command_name in _WRITES:
            self._die_after(len(self.sent))

    def _die_after(self, count: int) -> None:
        if self.dies_after == count:
            os.kill(os.getpid(), signal.SIGKILL)


async def answer(app: FastAPI, doom: Doom, job: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request, and which commands were sent for it."""
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        doom.dies_after = job.pop("dies_after")
        doom.is_armed = True
        found = await client.request(**job)
        doom.is_armed = False
        return {"status": found.status_code, "body": found.text, "commands": doom.sent}


def work(app: FastAPI, doom: Doom, line: str) -> str:
    """Return what a process of its own made of a line; nothing where it died."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.close(reader)
        os.write(writer, json.dumps(asyncio.run(answer(app, doom, json.loads(line)))).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as found:
        text = found.read()
    _, status = os.waitpid(child, 0)
    return text or json.dumps({"died": os.waitstatus_to_exitcode(status)})


def main() -> None:
    """Answer all lines."""
    doom = Doom()
    monitoring.register(doom)
    app = create_app()
    for line in sys.stdin:
        print(work(app, doom, line), flush=True)  # noqa: T201 - this is its output


if __name__ == "__main__":
    main()
