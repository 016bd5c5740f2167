"""The receiver of docs/webhooks.md takes what is really delivered, and the page's tables say what the code does."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import trustme
from fastapi import FastAPI

from parley_app import create_app
from parley_auth.testing import an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_webhooks.policy import DELAYS
from parley_webhooks.testing import Delivery, Inbox, webhooks_settings

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def receiver(secret: str) -> FastAPI:
    """Return the page's receiver with a secret of this test."""
    [program] = re.findall(r"^```python run\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    module = ModuleType("receiver")
    exec(compile(program, "docs/webhooks.md", "exec"), module.__dict__)  # noqa: S102 - our own page
    module.__dict__["SECRET"] = secret
    app: FastAPI = module.__dict__["app"]
    return app


@pytest.fixture
async def delivered(core_settings: CoreSettings, tmp_path: Path) -> AsyncIterator[tuple[str, Delivery]]:
    """A secret, and a delivery that was signed with it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    app = create_app([core_settings, auth_settings(), webhooks_settings(tmp_path / "ca.pem")])
    async with Inbox(authority) as inbox, running_client(app) as client:
        admin = await an_account(app, "admin")
        body = {"url": inbox.address, "types": ["user.created"]}
        webhook = (await client.post("/v1/webhooks", json=body, headers=admin.headers)).json()
        await an_account(app)
        [delivery] = await inbox.wait_for(1)
        yield webhook["secret"], delivery


async def post(app: FastAPI, delivery: Delivery, body: bytes) -> int:
    """Send a delivery to an application, with this body, and return the status of its answer."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")
    headers = {name: delivery.headers[name] for name in names}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as client:
        return (await client.post("/parley", content=body, headers=headers)).status_code


async def test_receiver(delivered: tuple[str, Delivery], capsys: pytest.CaptureFixture[str]) -> None:
    """It takes a delivery, works on it once however often it comes, and refuses a changed one and a foreign one."""
    secret, delivery = delivered
    app = receiver(secret)
    assert await post(app, delivery, delivery.body) == 204
    assert await post(app, delivery, delivery.body) == 204
    assert capsys.readouterr().out.count("user.created {") == 1
    assert await post(app, delivery, delivery.body + b" ") == 401
    assert await post(receiver("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), delivery, delivery.body) == 401


def test_schedule() -> None:
    """The table of pauses is that of the code."""
    rows = re.findall(r"^\| (\d)(?: and more)? \| (\d+) (second|minute|hour)s? \|$", PAGE, re.MULTILINE)
    assert [int(failures) for failures, *_ in rows] == [1, 2, 3, 4, 5]
    assert tuple(timedelta(**{f"{unit}s": int(number)}) for _, number, unit in rows) == DELAYS
