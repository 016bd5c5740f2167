"""The people, interviews and requests of a long run against a real server."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

ADMIN = {"email": "admin@example.com", "password": "nine green bottles of beer"}
_PASSWORD = "nine green bottles of tea"
_INTERVIEW = {"title": "Engineer", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
_INTERVIEWS = 20
_UNKNOWN = "0123456789abcdef01234567"


@dataclass(frozen=True)
class Call:
    """A request, and the status that its answer must have."""

    method: str
    path: str
    status: int = 200
    who: str | None = "admin"
    json: Any = None
    content: bytes | None = None


class Cast:
    """Who sends requests, and the interviews that they are about; tokens last as long as a run."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._tokens: dict[str, str] = {}
        self._logins: dict[str, dict[str, str]] = {"admin": ADMIN}
        self.interviews: Sequence[str] = ()

    async def prepare(self) -> None:
        """Create the accounts and interviews."""
        await self.log_in()
        people = {"interviewer": "interviewer", "candidate": "candidate", "stranger": "interviewer"}
        ids = {}
        for name, role in people.items():
            self._logins[name] = {"email": f"{name}@example.com", "password": _PASSWORD}
            created = await self._client.post(
                "/v1/users", json=self._logins[name] | {"role": role}, headers=self.headers("admin")
            )
            ids[name] = created.raise_for_status().json()["id"]
        await self.log_in()
        taking_part = [{"user_id": ids["interviewer"]}, {"user_id": ids["candidate"]}]
        self.interviews = [await self._created(taking_part) for _ in range(_INTERVIEWS)]

    async def _created(self, participants: Sequence[dict[str, str]]) -> str:
        body = _INTERVIEW | {"participants": participants}
        created = await self._client.post("/v1/interviews", json=body, headers=self.headers("admin"))
        return str(created.raise_for_status().json()["id"])

    async def log_in(self) -> None:
        """Log everybody in, anew where they were."""
        for name, login in self._logins.items():
            answer = (await self._client.post("/v1/auth/login", json=login)).raise_for_status()
            self._tokens[name] = answer.json()["access_token"]

    def headers(self, who: str | None) -> dict[str, str]:
        """Return what somebody sends; None for anonymous callers."""
        return {} if who is None else {"Authorization": f"Bearer {self._tokens[who]}"}

    async def greet(self) -> None:
        """Post a message to each interview."""
        for one in self.interviews:
            path, headers = f"/v1/interviews/{one}/messages", self.headers("interviewer")
            (await self._client.post(path, json={"content": "Hello"}, headers=headers)).raise_for_status()

    def any_call(self, chosen: random.Random) -> Call:
        """Return one of all kinds of requests: most read, some write, some are refused."""
        one = f"/v1/interviews/{chosen.choice(self.interviews)}"
        reader = chosen.choice(("interviewer", "candidate"))
        number = chosen.randrange(1000)
        kinds = self._kinds(one, reader, number)
        [(_, call)] = chosen.choices(kinds, [weight for weight, _ in kinds])
        return call

    @staticmethod
    def _kinds(one: str, reader: str, number: int) -> list[tuple[int, Call]]:
        return [
            (20, Call("GET", one, who=reader)),
            (15, Call("GET", f"/v1/interviews?limit=5&offset={number % 4 * 5}", who=reader)),
            (10, Call("GET", f"{one}/messages", who=reader)),
            (5, Call("GET", "/v1/users/me", who=reader)),
            (5, Call("GET", f"/v1/interviews?status=scheduled&limit=5&offset={number % 10}")),
            (4, Call("GET", f"{one}/history")),
            (3, Call("GET", f"/v1/events?limit=10&after={number % 20}")),
            (3, Call("GET", "/v1/users?q=stranger")),
            (2, Call("GET", f"{one}/calendar.ics", who=reader)),
            (4, Call("POST", f"{one}/messages", 201, reader, {"content": f"message {number}"})),
            (4, Call("PATCH", one, json={"location": f"Room {number}"})),
            (2, Call("POST", "/v1/interviews", 201, json=_INTERVIEW)),
            (3, Call("GET", one, 403, "stranger")),
            (3, Call("GET", one, 401, None)),
            (3, Call("GET", f"/v1/interviews/{_UNKNOWN}", 404)),
            (3, Call("POST", "/v1/interviews", 400, json={"title": "x" * 20_000})),
            (2, Call("POST", "/v1/interviews", 400, content=b'{"title": ')),
            (1, Call("GET", f"/nowhere/{number}", 404, None)),
        ]
