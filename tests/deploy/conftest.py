"""What `nox -s image` builds: the image, and a stand-in for MongoDB's, which no package registry has."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import Buildah, Image, network, require

ROOT = Path(__file__).parents[2]
_TOOLS = os.environ.get("IMAGE_TOOLS")
_DEBIAN = "bookworm"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# The packages that python:slim has, too.
_PACKAGES = "python3,python3-venv,ca-certificates"
_BASE = """
FROM scratch
ADD base.tar /
COPY ca-certificates.crt {certificates}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV SSL_CERT_FILE={certificates} PIP_CERT={certificates}
"""

# Only the session has the tools, and building takes longer than all other tests.
collect_ignore_glob = [] if _TOOLS else ["test_image.py", "test_compose.py"]


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of the session's tools, which is kept between runs."""
    return Path(_TOOLS or "")


@pytest.fixture(scope="session")
def buildah(tools: Path) -> Buildah:
    require("buildah", "debootstrap")
    return Buildah(tools / "storage")


@pytest.fixture(scope="session")
def image(buildah: Buildah, tools: Path) -> Iterator[Image]:
    """The image of deploy/Dockerfile, on a Debian in place of the image that its first line names."""
    base = tools / "base"
    if not (base / "Dockerfile").exists():
        shutil.rmtree(base, ignore_errors=True)
        _make_base(base)
    if not buildah("images", "--quiet", "--filter=reference=localhost/python"):
        buildah.build(base, "localhost/python")
    options = (f"--file={ROOT}/deploy/Dockerfile", "--build-arg=PYTHON_IMAGE=localhost/python")
    buildah.build(ROOT, "localhost/parley", *options)
    yield buildah.image("localhost/parley")
    buildah("rm", "--all")


def _make_base(folder: Path) -> None:
    tree = folder / "tree"
    tree.mkdir(parents=True)
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _DEBIAN, str(tree)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=1200)
    shutil.make_archive(str(folder / "base"), "tar", tree)
    shutil.rmtree(tree)
    # With those by which this machine reaches a registry.
    shutil.copy(_CERTIFICATES, folder / "ca-certificates.crt")
    (folder / "Dockerfile").write_text(_BASE.format(certificates=_CERTIFICATES))


@pytest.fixture(scope="module")
def net() -> Iterator[int]:
    """A network that only this file's containers are in."""
    require()
    with network() as owner:
        yield owner
