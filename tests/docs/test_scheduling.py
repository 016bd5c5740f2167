"""The program of docs/scheduling.md, on answers of the running application."""

import re
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from parley_auth.testing import Account
from parley_interviews.testing import create_interview

PAGE = Path(__file__).parents[2] / "docs" / "scheduling.md"


@pytest.fixture
def first_free() -> Any:
    [program] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    module = ModuleType("program")
    exec(compile(program, str(PAGE), "exec"), module.__dict__)  # noqa: S102 - our own page
    return module.first_free


async def test_first_free(
    client: httpx.AsyncClient, admin: Account, interviewer: Account, candidate: Account, first_free: Any
) -> None:
    """It finds the first gap that everybody has, the rest of the span included, and no gap that is too short."""
    for time, person in (("09:30", interviewer), ("10:15", candidate), ("12:00", interviewer)):
        await create_interview(client, admin, person, scheduled_at=f"2027-03-05T{time}:00Z")
    query = {"from": "2027-03-05T09:00:00Z", "to": "2027-03-05T18:00:00Z", "user_id": [interviewer.id, candidate.id]}
    answer = await client.get("/v1/schedule", params=query, headers=admin.headers)
    for minutes, expected in ((30, "09:00"), (31, "11:15"), (45, "11:15"), (46, "13:00"), (300, "13:00")):
        assert first_free(answer.json(), minutes) == datetime.fromisoformat(f"2027-03-05T{expected}:00Z"), minutes
    assert first_free(answer.json(), 301) is None
