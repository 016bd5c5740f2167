"""`parley demo`: what is in the month, and the command as newcomers run it."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley_app.demo.month import DemoInterview, month_around
from parley_app.demo.people import EVERYBODY
from parley_app.testing import Serving, Start, eventually, parley

_SECONDS = 240
_DAYS = [datetime(2027, 2, day, hour, 30, tzinfo=UTC) for day in range(22, 29) for hour in (0, 9, 23)]


def _clash(one: DemoInterview, other: DemoInterview) -> bool:
    first, second = sorted((one, other), key=lambda wanted: wanted.starts_at)
    is_shared = bool(set(one.interviewers) & set(other.interviewers))
    return is_shared and second.starts_at < first.starts_at + timedelta(minutes=first.stage.minutes)


class TestMonth:
    @pytest.mark.parametrize("now", _DAYS, ids=str)
    def test_every_day_has_something_of_everything(self, now: datetime) -> None:
        """On whatever day somebody looks, there is something in each state, and people who are busy twice."""
        month = list(month_around(now))
        states = Counter(wanted.status for wanted in month)
        assert len(month) == 41
        assert states.keys() == {"scheduled", "ongoing", "completed", "cancelled"}
        assert min(states["scheduled"], states["completed"]) >= 8
        coming = [wanted for wanted in month if wanted.status == "scheduled"]
        assert any(_clash(one, other) for one, other in combinations(coming, 2))
        assert any(wanted.moved_from for wanted in coming)

    def test_it_is_always_the_same(self) -> None:
        assert list(month_around(_DAYS[0])) == list(month_around(_DAYS[0]))

    def test_who_has_not_joined_writes_nothing(self) -> None:
        authors = {author for wanted in month_around(_DAYS[0]) for author, _ in wanted.messages}
        assert len(authors) > 6
        assert all(author.has_joined for author in authors)

    def test_e_mails_are_different(self) -> None:
        assert len({person.email for person in EVERYBODY}) == len(EVERYBODY) == 12


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One `parley demo`."""
    starter = Start(tmp_path_factory.mktemp("demo"), what="demo")
    serving = starter.unready("--data-dir", tmp_path_factory.mktemp("data") / "demo", PARLEY_ON_CONFLICT="refuse")
    # It writes for longer than a start takes on a busy machine.
    eventually(lambda: "Log in as" in serving.printed or serving.process.poll() is not None, _SECONDS)
    serving.wait_until_ready()
    yield serving
    starter.end_all()


class TestCommand:
    def test_the_printed_logins_work(self, demo: Serving) -> None:
        """Each kind of person can log in with what is printed, and sees interviews and messages."""
        for email, role in re.findall(r"^  (\S+@example\.com) +(\w+)$", demo.printed, re.MULTILINE):
            person = _Person(demo, email)
            assert person.get("/users/me")["role"] == role
            assert person.get("/interviews")["total"] >= 5

    def test_it_is_filled(self, demo: Serving) -> None:
        """There are people in each state, interviews in each state, histories and messages."""
        admin, candidate = _Person(demo, "mara@example.com"), _Person(demo, "amelie@example.com")
        interviews = admin.get("/interviews?limit=100")
        assert Counter(one["status"] for one in interviews["items"]).keys() == {
            *("scheduled", "ongoing", "completed", "cancelled")
        }
        assert interviews["total"] == 41
        assert admin.get("/users")["total"] == 12
        assert admin.get("/users?state=invited")["total"] == 1
        places = [f"/interviews/{one['id']}/messages" for one in candidate.get("/interviews")["items"]]
        assert all(candidate.get(place)["total"] >= 2 for place in places)
        conflicts = [admin.get(f"/interviews/{one['id']}/conflicts")["total"] for one in interviews["items"]]
        assert sum(conflicts) >= 2
        answers = [admin.get(f"/interviews/{one['id']}/attendance")["items"] for one in interviews["items"]]
        assert {item["answer"] for items in answers for item in items} >= {"accepted", "tentative", None}

    def test_a_directory_with_something_in_it_is_refused(self, demo: Serving) -> None:
        """A second time changes nothing, and says how to see what is there."""
        again = parley("demo", "--data-dir", demo.data_dir)
        assert again.returncode == 1
        assert f"parley serve --data-dir {demo.data_dir}" in again.stderr

    def test_another_database_is_refused(self, tmp_path: Path) -> None:
        """It never writes into a MongoDB of one's own."""
        uri = "mongodb://127.0.0.1:9/?replicaSet=x"
        secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
        refused = parley("demo", "--data-dir", tmp_path, PARLEY_MONGODB_URI=uri, PARLEY_JWT_SECRET=secret)
        assert (refused.returncode, "unset PARLEY_MONGODB_URI" in refused.stderr) == (1, True)

    def test_a_missing_plugin_is_named(self, tmp_path: Path) -> None:
        refused = parley("demo", "--data-dir", tmp_path, PARLEY_PLUGINS="auth,interviews")
        assert (refused.returncode, "messaging" in refused.stderr) == (1, True)


class _Person:
    """Somebody of the demo, with the printed password."""

    def __init__(self, demo: Serving, email: str) -> None:
        found = re.search(r"the password (\S+)$", demo.printed, re.MULTILINE)
        assert found
        body = {"email": email, "password": found[1]}
        token = httpx.post(f"{demo.url}/v1/auth/login", json=body, timeout=30).json()["access_token"]
        self._url, self._headers = f"{demo.url}/v1", {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        answer = httpx.get(f"{self._url}{path}", headers=self._headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()
