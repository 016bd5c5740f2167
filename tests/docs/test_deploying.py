"""The MongoDB that docs/deploying.md starts is one that Parley takes."""

import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from parley_core import Document
from parley_core.data.database import open_client
from parley_core.embedded import find_mongod

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    """The URI of the page, on the commands of the page, in their order; port, folder and shell are this test's."""
    lines = (r"mongod .+", r"mongosh --eval 'rs\.initiate\(\)'", r"mongodb://localhost/\?replicaSet=\w+")
    mongod, initiate, uri = (found(line) for line in lines)
    assert PAGE.index(mongod) < PAGE.index(initiate) < PAGE.index(uri)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    options = shlex.split(mongod.replace("/var/lib/mongodb", str(tmp_path)))[1:]
    command = [str(find_mongod()), *options, "--port", port, "--nounixsocket"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with MongoClient[Document](f"mongodb://localhost:{port}/?directConnection=true") as shell:
            shell.admin.command("replSetInitiate", {})  # what rs.initiate() sends
        yield uri.replace("localhost", f"localhost:{port}")
    finally:
        process.kill()
        process.wait(20)


async def test_one_member(uri: str) -> None:
    """Parley takes what comes of it, and MongoDB has the limit that the page explains."""
    async with open_client(uri, database="parley", timeout_seconds=5, pool_size=1) as client:
        limit = await client.admin.command({"getParameter": 1, "transactionLifetimeLimitSeconds": 1})
    assert limit["transactionLifetimeLimitSeconds"] == 4


def found(line: str) -> str:
    """The first command of the page that is like this."""
    match = re.search(line, PAGE)
    assert match, line
    return match[0]
