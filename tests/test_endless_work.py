"""Tasks that run beside the requests: each begins anew where it fails, or somebody waits for what it does."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from parley_app import create_app
from parley_auth.testing import auth_settings
from parley_core import background
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_messaging.stream import changes
from parley_webhooks.deliveries.dispatcher import Dispatcher
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.transport.vault import new_key

PACKAGES = Path(__file__).parent.parent / "packages"
# By the function that starts it.
OTHERS = {
    "parley_app/starting.py:_lifespan": "its failure ends the start, or the server",
    "parley_auth/when_back.py:add": "it reports its own failures and goes on with the next write",
    "parley_core/data/batches.py:_start": "its failures go to those who wait for their item",
    "parley_core/data/shared_queries.py:_start": "its failures go to those who wait for the query",
    "parley_core/log/reader.py:wait_beyond": "its failures go to those who wait for the log",
    "parley_core/testing/servers.py:_connect": "a test's connection",
    "parley_core/testing/streams.py:served": "a test's server",
    "parley_core/waiting.py:join": "its failures go to those who wait for the work",
    "parley_webhooks/deliveries/dispatcher.py:_start": "it reports its own failures, and the next look starts it again",
    "parley_webhooks/deliveries/dispatcher.py:_wait": "it only wakes, and is awaited where it was started",
    "parley_webhooks/deliveries/service.py:_send": "its caller waits for it",
    "parley_webhooks/testing/receivers.py:_accept": "a test's receiver",
}


def starts_of_tasks() -> Iterator[tuple[str, bool]]:
    """Yield the functions that start tasks, each with whether it keeps them running."""
    for path in sorted(PACKAGES.glob("*/src/**/*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
                if names & {"create_task", "ensure_future"}:
                    called = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                    file = path.as_posix().rpartition("/src/")[2]
                    yield f"{file}:{function.name}", "kept_running" in called


def test_every_task() -> None:
    """Each task of the packages is kept running, or is one of those that somebody waits for."""
    starts = dict(starts_of_tasks())
    assert {name for name, is_kept in starts.items() if not is_kept} == OTHERS.keys()
    assert len(starts) > len(OTHERS)


@pytest.mark.parametrize(
    ("place", "name", "what"),
    [
        (changes, "_follow", "the change stream"),
        (Relay, "_gather", "the relay"),
        (Dispatcher, "_look", "the delivery of webhooks"),
    ],
    ids=["change_stream", "relay", "webhooks"],
)
async def test_a_defect(
    *,
    place: object,
    name: str,
    what: str,
    core_settings: CoreSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each endless work that meets a defect is reported as an error and goes on after it."""
    gone_on, plain = asyncio.Event(), getattr(place, name)

    async def broken_once(*arguments: Any) -> Any:
        if f"{what} failed" not in caplog.text:
            raise LookupError("a defect")
        gone_on.set()
        return await plain(*arguments)

    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(place, name, broken_once)
    app = create_app([core_settings, auth_settings(), WebhooksSettings(webhooks_key=SecretStr(new_key()))])
    async with app.router.lifespan_context(app):
        await asyncio.wait_for(gone_on.wait(), 30)
    assert [r.levelname for r in caplog.records if r.name == "parley.background"] == ["ERROR"]
