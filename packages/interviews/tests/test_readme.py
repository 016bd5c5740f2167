"""What README.md shows works as it stands there."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from parley_auth.testing import an_account
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.listing.schemas import InterviewQuery
from parley_interviews.testing import address_of, bring_to, create_interview

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def notebook(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The application of the snippet, on the tests' database."""
    assert core_settings.mongodb_uri
    monkeypatch.setenv("PARLEY_MONGODB_URI", core_settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("PARLEY_MONGODB_DATABASE", core_settings.mongodb_database)
    monkeypatch.setenv("PARLEY_JWT_SECRET", "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu")
    [snippet] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102 - the text is this package's own
    app: FastAPI = names["app"]
    return app


async def test_snippet(notebook: FastAPI) -> None:
    """Notes are taken by participating interviewers while the interview is under way, and by nobody else."""
    async with running_client(notebook) as client:
        admin, interviewer, candidate = [
            await an_account(notebook, role) for role in ("admin", "interviewer", "candidate")
        ]
        interview = await create_interview(client, admin, interviewer, candidate)
        address = f"{address_of(interview)}/notes"
        early = await client.post(address, headers=interviewer.headers)
        assert (early.status_code, early.json()["code"]) == (400, "interview_closed")
        await bring_to(client, admin, interview["id"], "ongoing")
        answers = [await client.post(address, headers=p.headers) for p in (admin, candidate, interviewer)]
        assert [answer.status_code for answer in answers] == [403, 403, 201]
        assert answers[-1].json() == {"interview_id": interview["id"], "author": interviewer.id}


def test_parameters_are_complete() -> None:
    """The table of the list names each parameter."""
    _, _, table = README.partition("| parameter | |\n")
    rows = table.partition("\n\n")[0].splitlines()[1:]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == InterviewQuery.model_fields.keys()
