"""The snippet and the tables of README.md are true."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from parley_auth.settings import AuthSettings
from parley_auth.testing import some_people
from parley_core.kernel.settings import CoreSettings, env_name
from parley_core.testing import running_client

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def shop(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The application of the snippet, on the tests' database."""
    assert core_settings.mongodb_uri
    monkeypatch.setenv("PARLEY_MONGODB_URI", core_settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("PARLEY_MONGODB_DATABASE", core_settings.mongodb_database)
    monkeypatch.setenv("PARLEY_JWT_SECRET", "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu")
    snippet = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    names: dict[str, Any] = {"__name__": "shop"}
    exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102 - the text is this package's own
    app: FastAPI = names["app"]
    return app


async def test_snippet(shop: FastAPI) -> None:
    """The application starts, and only the roles of the snippet's rule may call its route."""
    async with running_client(shop) as client:
        people = await some_people(shop)
        answers = {
            caller: await client.get("/orders/12", headers=people.headers_of(caller))
            for caller in ("anonymous", "customer", "clerk", "admin")
        }
        assert [answer.status_code for answer in answers.values()] == [401, 403, 200, 200]
        assert answers["admin"].json() == {"number": 12, "read_by": people.admin.id}
        assert (await client.get("/v1/users/me", headers=people.admin.headers)).status_code == 200


def test_settings_are_complete() -> None:
    """The table of settings names each one."""
    named = set(re.findall(r"`(PARLEY_[A-Z_]+)`", README))
    assert named == {env_name(field) for field in AuthSettings.model_fields}
