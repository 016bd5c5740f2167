"""The image of deploy/Dockerfile: what is in it, as whom it runs, and what it needs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from containers import Buildah, Container, Image

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
SCRATCH = "/tmp"  # noqa: S108 - the container's own


@pytest.fixture
def container(image: Image, net: int, tmp_path: Path) -> Container:
    """The image as it comes, without a setting."""
    return Container(image, net, tmp_path / "container", tmpfs={SCRATCH: ""}, environment=image.environment)


@pytest.mark.usefixtures("image")
def test_buildah_runs_it(buildah: Buildah) -> None:
    """Buildah itself, which runs what the image says as the image says, finds the same user."""
    name = buildah("from", "localhost/parley")
    assert buildah("run", "--isolation=chroot", name, "id", "-u") == "10001"


def test_user(container: Container) -> None:
    """The user has a number of their own, no capability, and nothing to write into."""
    assert container.run("id", "-u").stdout == "10001\n"
    assert container.run("grep", "CapEff", "/proc/self/status").stdout.split() == ["CapEff:", "0" * 16]
    owned = container.run("find", "/", "-xdev", "-writable", "-not", "-type", "l")
    assert owned.stdout == f"{SCRATCH}\n", owned.stdout


def test_root_is_read_only(container: Container) -> None:
    """The root takes no file, and what runs in it needs no file there."""
    refused = container.run("touch", "/opt/parley/new")
    assert (refused.returncode, "Read-only file system" in refused.stderr) == (1, True)
    assert container.run("touch", f"{SCRATCH}/new").returncode == 0
    assert container.run("parley", "plugins").returncode == 0


def test_content(container: Container) -> None:
    """Neither a MongoDB server nor what builds packages is in it; Parley and its libraries are."""
    found = container.run("find", "/", "-xdev", "-name", "mongod*", "-o", "-xdev", "-name", "uv", "-o", "-name", "bin")
    assert {Path(path).name for path in found.stdout.split()} == {"bin"}
    assert "/opt/parley/bin" in found.stdout.split()
    assert container.run("python", "-c", "import opentelemetry.sdk, parley_webhooks").returncode == 0


def test_needs_a_uri(container: Container, image: Image) -> None:
    """Without the URI of a MongoDB it ends at once, and says what to set."""
    refused = container.run(*image.entrypoint, *image.command)
    assert (refused.returncode, "PARLEY_MONGODB_URI" in refused.stderr) == (1, True)
    assert "Traceback" not in refused.stderr
    assert container.run(*image.health).returncode == 1


def test_installs_what_the_image_contains(tmp_path: Path) -> None:
    """The command of the page for a systemd service installs the command, and no MongoDB server."""
    [command] = re.findall(r"(?m)^UV_PROJECT_ENVIRONMENT=/opt/parley (uv sync .*)$", PAGE.read_text(encoding="utf-8"))
    [in_image] = re.findall(r"uv sync .*", (PAGE.parents[1] / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    chosen = re.compile(r"--(?:package|extra) \S+|--no-editable")
    assert chosen.findall(command) == chosen.findall(in_image)
    here = command.replace("/usr/bin/python3", sys.executable)
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "parley")}
    subprocess.run(here.split(), cwd=PAGE.parents[1], env=environment, check=True, timeout=600)
    assert subprocess.run([tmp_path / "parley" / "bin" / "parley", "plugins"], check=True, timeout=60).returncode == 0
    assert not [path for path in tmp_path.rglob("mongod*") if path.is_file()]
