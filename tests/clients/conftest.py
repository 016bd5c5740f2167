"""A running `parley serve`, its OpenAPI document, and the tools that `nox -s clients` installs."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tools import EMAIL, PASSWORD, Run, runner

from parley_app.testing import Serving, Start
from parley_core.testing.documented import Documented

_PYTHON, _NODE = os.environ.get("CLIENTS_PYTHON_TOOLS"), os.environ.get("CLIENTS_NODE_TOOLS")

# Only the session has the tools, which take longer to install than all other tests to run.
collect_ignore_glob = [] if _PYTHON else ["test_*.py"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with all installed packages, with an administrator, and with webhooks that may stay on this machine."""
    folder = tmp_path_factory.mktemp("serve")
    settings = {"PARLEY_ADMIN_EMAIL": EMAIL, "PARLEY_ADMIN_PASSWORD": PASSWORD}
    start = Start(folder)
    yield start("--data-dir", folder / "data", PARLEY_WEBHOOKS_ALLOW_NETWORKS="127.0.0.0/8", **settings)
    start.end_all()


@pytest.fixture(scope="module")
def token(served: Serving) -> str:
    """An access token of the administrator."""
    answer = httpx.post(f"{served.url}/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
    token: str = answer.raise_for_status().json()["access_token"]
    return token


@pytest.fixture(scope="module")
def document_file(served: Serving, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as the server answers it, in a file."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_bytes(served.get("/openapi.json").raise_for_status().content)
    return file


@pytest.fixture(scope="module")
def document(document_file: Path) -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = json.loads(document_file.read_bytes())
    return document


@pytest.fixture(scope="module")
def documented(document: dict[str, Any]) -> Documented:
    """What the document says about answers."""
    return Documented(document)


@pytest.fixture(scope="session")
def python_tool() -> Run:
    """Runs a tool of `requirements.txt`."""
    return runner(_PYTHON or "")


@pytest.fixture(scope="session")
def node_tool() -> Run:
    """Runs a tool of `package.json`; skips where there is no npm to install it."""
    if not _NODE:
        pytest.skip("npm isn't installed, so nothing of package.json is")
    return runner(_NODE)
