"""The MongoDB that docs/deploying.md starts, and the secrets that it writes, are ones that Parley takes."""

import re
import shlex
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from parley_core import Document
from parley_core.data.database import open_client
from parley_core.embedded import find_mongod
from parley_core.errors import StartupError
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import load_settings

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


@pytest.mark.parametrize(
    ("beginning", "written"), [("cd deploy", "deploy/secrets"), ("mkdir -p -m 700 /etc/parley", "etc/parley")]
)
def test_secrets(beginning: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the commands for compose and for systemd write are settings, in a folder that is closed to others."""
    script = block(beginning).replace("/etc/", f"{tmp_path}/etc/")
    (tmp_path / "deploy").mkdir()
    subprocess.run(["/bin/sh", "-euc", script], cwd=tmp_path, check=True, timeout=60)
    for name in ("mongodb_uri", "jwt_secret", "webhooks_key"):
        monkeypatch.setenv(f"PARLEY_{name.upper()}_FILE", str(tmp_path / written / name))
    load_settings(Plugins().settings_classes(), ())
    assert stat.S_IMODE((tmp_path / written).stat().st_mode) == 0o700
    (tmp_path / written / "webhooks_key").write_text("short")
    with pytest.raises(StartupError, match="PARLEY_WEBHOOKS_KEY"):
        load_settings(Plugins().settings_classes(), ())


def block(beginning: str) -> str:
    """The block of the page that begins with this, without what needs an engine or systemd."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", PAGE)
    [lines] = [block.splitlines(keepends=True) for block in blocks if block.startswith(beginning)]
    return "".join(line for line in lines if not re.match(r"docker |systemctl |.*/etc/systemd/", line))


def found(line: str) -> str:
    """The first command of the page that is like this."""
    match = re.search(line, PAGE)
    assert match, line
    return match[0]
