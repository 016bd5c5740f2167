"""The example of the README does what the README says."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client

README = Path(__file__).parents[1] / "README.md"


async def test_example(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With core alone the application keeps notes and refuses an empty one."""
    assert core_settings.mongodb_uri is not None
    monkeypatch.setenv("PARLEY_MONGODB_URI", core_settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("PARLEY_MONGODB_DATABASE", core_settings.mongodb_database)
    (block,) = re.findall(r"^```python run\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    module = ModuleType("notes")
    exec(compile(block, README, "exec"), vars(module))  # noqa: S102 - our own page
    async with running_client(module.app) as client:
        assert (await client.post("/v1/notes", json={"text": " Hello "})).status_code == 201
        assert (await client.get("/v1/notes")).json() == ["Hello"]
        assert (await client.post("/v1/notes", json={"text": ""})).json()["code"] == "validation_error"


def test_public_surface() -> None:
    """Every module that the README names exists, and so does every name that it says the module has."""
    rows = re.findall(r"^\| `(parley_core[\w.]+)` \| (.*) \|$", README.read_text(), re.MULTILINE)
    assert len(rows) > 20
    for name, text in rows:
        module = importlib.import_module(name)
        assert [word for word in re.findall(r"`(\w+)`", text) if not hasattr(module, word)] == []
