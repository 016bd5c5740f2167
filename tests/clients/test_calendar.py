"""A feed as ical.js reads it, which Thunderbird reads calendars with."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tools import Run

from parley_app.testing import Serving

TITLES = [
    "END:VEVENT, \\N; \\n \\\\ BEGIN:VEVENT",
    "\N{GRINNING FACE}" * 50,
    "e\u0301\N{EURO SIGN}" * 60,
    'Backend, "second"; round: X=Y',
]
DESCRIPTION = "first, line\nEND:VEVENT\n\\nthird; line"


@pytest.fixture(scope="module")
def created(served: Serving, token: str) -> list[dict[str, Any]]:
    """Interviews of the administrator, the second of which is moved and cancelled."""
    with httpx.Client(base_url=f"{served.url}/v1/", headers={"Authorization": f"Bearer {token}"}) as client:
        me = client.get("users/me").json()["id"]
        instant = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
        body = {"interview_type": "technical", "scheduled_at": instant.isoformat(), "description": DESCRIPTION}
        people = {"participants": [{"user_id": me}]}
        answers = [client.post("interviews", json={"title": title, **body, **people}) for title in TITLES]
        addresses = [f"interviews/{answer.raise_for_status().json()['id']}" for answer in answers]
        client.patch(addresses[1], json={"duration_minutes": 90}).raise_for_status()
        client.patch(f"{addresses[1]}/status", json={"status": "cancelled"}).raise_for_status()
        return [client.get(address).json() for address in addresses]


@pytest.fixture
def read(
    served: Serving, token: str, created: list[dict[str, Any]], node_tool: Run, tmp_path: Path
) -> list[dict[str, Any]]:
    """What ical.js reads in the administrator's feed."""
    headers = {"Authorization": f"Bearer {token}"}
    feed = httpx.post(f"{served.url}/v1/calendar/feeds", json={}, headers=headers).raise_for_status().json()
    file = tmp_path / "feed.ics"
    file.write_bytes(httpx.get(feed["url"]).raise_for_status().content)
    library = Path(os.environ["CLIENTS_NODE_TOOLS"], "..", "ical.js", "dist", "ical.js").resolve()
    script = Path(__file__).with_name("read_calendar.mjs")
    ran = node_tool(shutil.which("node"), script, library.as_uri(), file)
    assert ran.returncode == 0, ran.stderr
    events: list[dict[str, Any]] = json.loads(ran.stdout)
    return events


def test_every_event_comes_back(read: list[dict[str, Any]], created: list[dict[str, Any]]) -> None:
    """Texts, instants, versions and states are what the API answers."""
    shown = {event["uid"]: event for event in read}
    assert len(shown) == len(read) == len(created)
    for interview in created:
        event = shown[f"{interview['id']}@parley"]
        assert event["summary"] == interview["title"]
        assert event["description"] == f"{DESCRIPTION}\n\nTime zone: UTC"
        assert event["sequence"] == interview["schedule_version"]
        assert event["begin"] == interview["scheduled_at"].replace("Z", ".000Z")
        assert event["end"] == interview["ends_at"].replace("Z", ".000Z")
        assert (event["status"] == "CANCELLED") == (interview["status"] == "cancelled")
    assert sorted(event["sequence"] for event in read) == [0, 0, 0, 2]
