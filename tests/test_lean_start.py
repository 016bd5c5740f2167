"""What a start leaves out: libraries that may never be needed, and collections of garbage that isn't there."""

import gc
import json
import os
import secrets
import subprocess
import sys

import pytest

from parley_app import create_app
from parley_auth.testing import auth_settings
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings, PluginSettings

_LEFT_OUT = ("httpx", "rich", "click", "pygments")


def _loaded(program: str) -> set[str]:
    environment = {**os.environ, "PARLEY_JWT_SECRET": secrets.token_urlsafe(48)}
    found = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        env={**environment, "PARLEY_MONGODB_URI": "mongodb://127.0.0.1:1/?replicaSet=none"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(found.stdout))


def test_what_is_not_loaded() -> None:
    """An application without a webhook loads no HTTP client, with its command line's colours."""
    assert not _loaded("from parley_app import create_app; create_app()").intersection(_LEFT_OUT)


def test_what_would_be_seen() -> None:
    """The check above is about something."""
    assert {"httpx", "rich"} <= _loaded("import httpx")


def test_the_garbage_collector_goes_on(core_settings: CoreSettings) -> None:
    """It works as before once an application is made, also one that can't be, and stays off where it was."""
    create_app([core_settings, auth_settings()])
    assert gc.isenabled()
    with pytest.raises(StartupError):
        create_app([core_settings, auth_settings(), PluginSettings(plugins=("none",))])
    assert gc.isenabled()
    gc.disable()
    try:
        create_app([core_settings, auth_settings()])
        assert not gc.isenabled()
    finally:
        gc.enable()
