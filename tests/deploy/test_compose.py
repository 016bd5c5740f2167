"""The services of deploy/compose.yaml come up in their order, as the page says, and stay closed.

Each process runs as the file says it, in a container that util-linux makes. What stands for MongoDB's image is this
machine's root with the `mongod` of the tests and MongoDB's own shell.
"""

import os
import platform
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from composed import Composition
from containers import Container, Image, fetch

from parley_app.testing import eventually
from parley_core.embedded import find_mongod

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
SECONDS = 90
PORT = 8000
MONGODB = 999
CREDENTIALS = "/run/credentials/parley.service"
# What the page names for /etc/parley/environment.
SEVERAL = {"PARLEY_LISTEN_WORKERS": "2"}
# What MemoryDenyWriteExecute does: PR_SET_MDWE, which a program that is executed inherits.
DENY_WRITE_EXECUTE = (
    "import ctypes, os, sys; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0; os.execv(sys.argv[1], sys.argv[1:])"
)


@dataclass
class Stack:
    """The services of the file that were started."""

    composition: Composition
    folder: Path
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        container = self.composition.container(name, self.folder / name)
        self.running[name] = container.start(*self.composition.command(name), log=self.log(name))

    def job(self, name: str) -> "subprocess.CompletedProcess[str]":
        """Run a service that does something and ends."""
        return self.within(name, *self.composition.command(name))

    def within(self, name: str, *command: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command as in a running container of a service."""
        return self.composition.container(name, self.folder / f"{name}-exec").run(*command, given=given)

    def is_well(self, name: str) -> bool:
        return self.within(name, *self.composition.health(name)).returncode == 0

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def stop(self, name: str) -> tuple[int, float]:
        """Stop a service as an engine does; return its exit code and how long it took."""
        begun, process = time.monotonic(), self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(SECONDS), time.monotonic() - begun

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait(SECONDS)

    def get(self, path: str) -> "subprocess.CompletedProcess[str]":
        return fetch(self.composition.network, f"http://127.0.0.1:{PORT}{path}")


def commands(beginning: str) -> str:
    """The block of the page that begins with some words, without what needs an engine."""
    [block] = [block for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", PAGE) if block.startswith(beginning)]
    return "".join(line for line in block.splitlines(keepends=True) if not line.startswith("docker "))


@pytest.fixture(scope="module")
def mongodb_image(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """This machine's root, with mongod and mongosh where MongoDB's image has them."""
    shell = tools / "node" / "node_modules"
    if not shell.exists():
        pytest.skip("npm is not installed, which brings mongosh")
    command = tmp_path_factory.mktemp("mongodb") / "mongosh"
    command.write_text('#!/bin/sh\nexec node /opt/node_modules/mongosh/bin/mongosh.js "$@"\n')
    command.chmod(0o755)
    binds = {
        "/usr/local/bin/mongod": find_mongod(),
        "/usr/local/bin/mongosh": command,
        "/opt/node_modules": shell,
    }
    return Image(Path("/"), binds=binds)


@pytest.fixture(scope="module")
def stack(image: Image, mongodb_image: Image, net: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    subprocess.run(["/bin/sh", "-euc", commands("cd deploy")], cwd=folder, check=True, timeout=SECONDS)
    (folder / "volumes" / "mongodb").mkdir(parents=True)
    os.chown(folder / "volumes" / "mongodb", MONGODB, MONGODB)
    images = {"parley": image, "mongo:6.0": mongodb_image}
    stack = Stack(Composition(folder / "deploy" / "compose.yaml", images, folder / "volumes", net), folder)
    yield stack
    stack.end()


def test_comes_up(stack: Stack) -> None:
    """The set initiates itself, the data is migrated, the API answers, and the administrator of the page logs in."""
    stack.start("mongodb")
    assert not stack.is_well("mongodb")
    for job in ("replica-set", "migrate"):
        done = stack.job(job)
        assert done.returncode == 0, done.stdout + done.stderr
    assert stack.is_well("mongodb")
    assert not stack.is_well("api")
    stack.start("api")
    eventually(lambda: stack.is_well("api"), SECONDS)
    assert '"ok"' in stack.get("/healthz").stdout
    assert stack.get("/readyz").returncode == 0


def test_passwords_are_asked_for(stack: Stack) -> None:
    """MongoDB answers those who have no password nothing, and Parley's user is not its administrator."""
    ask = "try { db.getSiblingDB('parley').users.countDocuments(); print('answered') } catch (e) { print(e.codeName) }"
    assert stack.within("mongodb", "mongosh", "--quiet", "--eval", ask).stdout == "Unauthorized\n"
    uri = (stack.composition.file.parent / "secrets" / "mongodb_uri").read_text().strip()
    roles = "print(JSON.stringify(db.runCommand({connectionStatus: 1}).authInfo.authenticatedUserRoles))"
    found = stack.within("mongodb", "mongosh", uri, "--quiet", "--eval", roles)
    assert found.stdout == '[{"role":"readWrite","db":"parley"}]\n'


def test_first_administrator(stack: Stack) -> None:
    """The command of the page creates one, and their password is nowhere but on its standard input."""
    [command] = re.findall(r"(?m)^docker compose exec -T api (parley create-admin .*) < \S+$", PAGE)
    created = stack.within("api", *command.split(), given="nine green bottles\n")
    assert (created.returncode, created.stdout) == (0, "Administrator ada@example.com is ready.\n"), created.stderr


def test_backup(stack: Stack) -> None:
    """The commands of the page back the database up beside the running server, as the image's user."""
    folder = stack.composition.file.parent
    subprocess.run(["/bin/sh", "-euc", commands("mkdir -m 700 backup")], cwd=folder, check=True, timeout=SECONDS)
    [command] = re.findall(r'(?m)^docker compose run .* --volume "\$PWD/backup:/backup" api (.*)$', PAGE)
    container = stack.composition.container("api", stack.folder / "backup")
    added = replace(container, binds={**container.binds, "/backup": folder / "backup"})
    done = added.run(*container.image.entrypoint, *command.split())
    assert done.returncode == 0, done.stderr
    assert (folder / "backup" / "parley.tar").stat().st_size > 1024


def test_starts_again(stack: Stack) -> None:
    """After a restart, with another key, the set is there with its data, and the jobs change nothing."""
    stack.stop("mongodb")
    stack.start("mongodb")
    eventually(lambda: stack.is_well("mongodb"), SECONDS)
    for job in ("replica-set", "migrate"):
        done = stack.job(job)
        assert done.returncode == 0, done.stdout + done.stderr
    eventually(lambda: stack.is_well("api"), SECONDS)


def test_stops(stack: Stack) -> None:
    """A stop is a clean one and takes no longer than 3 s, of which a busy machine gets three tries."""
    code, seconds = stack.stop("api")
    for _ in range(2):
        if seconds < 3:
            break
        stack.start("api")
        eventually(lambda: stack.is_well("api"), SECONDS)
        code, seconds = stack.stop("api")
    assert code == 0, stack.log("api").read_text()
    assert seconds < 3
    assert not stack.is_well("api")


def test_unit(stack: Stack, image: Image, tmp_path: Path) -> None:
    """The command of the systemd unit serves with the unit's environment and secrets, where no memory becomes code.

    The image's /opt/parley is what the page installs there, by the same command.
    """
    if tuple(map(int, platform.release().split(".")[:2])) < (6, 3):
        pytest.skip("this kernel can't refuse memory that becomes code")
    unit = (ROOT / "deploy" / "parley.service").read_text(encoding="utf-8")
    [command] = re.findall(r"(?m)^ExecStart=(.*)$", unit)
    variables = dict(re.findall(r"(?m)^Environment=(\w+)=(.*)$", unit))
    secrets = dict(re.findall(r"(?m)^LoadCredential=(\w+):/etc/parley/(\w+)$", unit))
    assert "MemoryDenyWriteExecute=yes" in unit
    folder = stack.composition.file.parent / "secrets"
    container = Container(
        replace(image, user="61184:61184", environment={}),
        stack.composition.network,
        tmp_path / "container",
        binds={f"{CREDENTIALS}/{name}": folder / file for name, file in secrets.items()},
        environment={name: value.replace("%d", CREDENTIALS) for name, value in variables.items()} | SEVERAL,
    )
    log = stack.log("unit")
    stack.running["unit"] = container.start("python3", "-c", DENY_WRITE_EXECUTE, *command.split(), log=log)
    eventually(lambda: stack.get("/readyz").returncode == 0, SECONDS)
    assert stack.stop("unit")[0] == 0, log.read_text()
