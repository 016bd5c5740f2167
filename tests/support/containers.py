"""Processes as an engine would run them in containers, made by util-linux: no engine runs where the tests run.

A container's root is read-only, its user has no capability and can get none, and its network has no other machine.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 120
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FETCH = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"


def require(*tools: str) -> None:
    """Skip the test, with the reason, where it can't have containers."""
    missing = [tool for tool in ("unshare", "nsenter", "setpriv", "ip", *tools) if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("only root can mount and change users")


@contextmanager
def network() -> Iterator[int]:
    """Make a network of this machine alone; yield the id of a process that is in it."""
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"up\n"
        try:
            yield owner.pid
        finally:
            owner.kill()


def fetch(network: int, url: str) -> "subprocess.CompletedProcess[str]":
    """Get an address from inside a network, and print the answer."""
    command = ["nsenter", f"--target={network}", "--net", sys.executable, "-c", _FETCH, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)


@dataclass(frozen=True)
class Image:
    """A root and how it wants to be run."""

    root: Path
    user: str = "0:0"
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    health: Sequence[str] = ()
    binds: Mapping[str, Path] = field(default_factory=dict)
    """What is added to the root, for one that stands for another."""


@dataclass(frozen=True)
class Container:
    """One or several processes of an image, with the same mounts."""

    image: Image
    network: int
    folder: Path
    """Where it is put together."""
    binds: Mapping[str, Path] = field(default_factory=dict)
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, *command: str, log: Path) -> "subprocess.Popen[bytes]":
        """Start a command; the process that is returned is the command's own. Its output is added to the log."""
        self.folder.mkdir(exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(self._wrapped(command), stdout=output, stderr=subprocess.STDOUT)

    def run(self, *command: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        self.folder.mkdir(exist_ok=True)
        return subprocess.run(
            self._wrapped(command), input=given, capture_output=True, text=True, timeout=_SECONDS, check=False
        )

    def _wrapped(self, command: Sequence[str]) -> list[str]:
        entering = ("nsenter", f"--target={self.network}", "--net", "unshare", "--mount", "--propagation=private")
        return [*entering, "sh", "-euc", "\n".join(self._script(command))]

    def _script(self, command: Sequence[str]) -> Iterator[str]:
        """Yield the lines that put the root together and become the command."""
        work, root = shlex.quote(str(self.folder)), shlex.quote(f"{self.folder}/root")
        yield f"mount -t tmpfs tmpfs {work}"
        yield f"mkdir {work}/upper {work}/work {root}"
        layers = f"lowerdir={self.image.root},upperdir={self.folder}/upper,workdir={self.folder}/work"
        yield f"mount -t overlay overlay -o {shlex.quote(layers)} {root}"
        yield f"mkdir -p {root}/proc {root}/dev {root}/etc"
        yield f"mount --rbind /proc {root}/proc; mount --rbind /dev {root}/dev"
        yield f"echo '127.0.0.1 localhost mongodb' > {root}/etc/hosts"
        for target, options in self.tmpfs.items():
            yield f"mkdir -p {root}{target}; mount -t tmpfs -o {options or 'mode=1777'} tmpfs {root}{target}"
        for target, source in (*self.image.binds.items(), *self.binds.items()):
            parent = Path(target).parent
            make = f"mkdir -p {root}{target}" if source.is_dir() else f"mkdir -p {root}{parent}; touch {root}{target}"
            yield f"{make}; mount --bind {shlex.quote(str(source))} {root}{target}"
        yield f"mount -o remount,ro {root}"
        yield f"exec chroot {root} {shlex.join([*self._closed(), *command])}"

    def _closed(self) -> list[str]:
        uid, _, gid = self.image.user.partition(":")
        drop = ("--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
        variables = {"PATH": _PATH} | dict(self.image.environment) | dict(self.environment)
        return [
            *("setpriv", f"--reuid={uid}", f"--regid={gid}", *drop),
            *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
        ]


class Buildah:
    """Debian's buildah with a storage of its own, without privileges that an engine would need."""

    def __init__(self, storage: Path) -> None:
        self._options = (f"--root={storage}/root", f"--runroot={storage}/run", "--storage-driver=vfs")

    def __call__(self, *arguments: str | Path) -> str:
        """Run a command of it, and return what it prints."""
        command = ["buildah", *self._options, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def build(self, context: Path, tag: str, *options: str) -> None:
        """Build an image."""
        self("build", "--isolation=chroot", "--format=docker", f"--tag={tag}", *options, context)

    def image(self, tag: str) -> Image:
        """Return an image of the storage."""
        settings: dict[str, Any] = json.loads(self("inspect", "--type=image", tag))["Docker"]["config"]
        return Image(
            root=Path(self("mount", self("from", tag))),
            user=settings["User"],
            entrypoint=settings["Entrypoint"],
            command=settings["Cmd"],
            environment=dict(variable.split("=", 1) for variable in settings["Env"]),
            health=settings["Healthcheck"]["Test"][1:],
        )
