"""Who uses the product in a run, through which workers, and what was observed."""

import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from model.accounts import AccountRequest
from model.interviews import Request
from model.states import UNAVAILABLE, Account, Answer, Interview
from parley_auth.testing import Account as Credentials

Sent = tuple[httpx.Response, float, float]
"""An answer, with when its request was sent and when it was there."""
_FIRST = "2027-03-05T09:30:00Z"


@dataclass(frozen=True)
class Observed:
    """A request and its answer; `token` says which of the caller's tokens was sent."""

    id: str
    request: Request | AccountRequest
    answer: Answer
    start: float
    end: float
    token: int


@dataclass
class User:
    """Somebody who sends requests, with the token that they have now: it has a number."""

    id: str
    email: str
    initial: Account
    headers: dict[str, str]
    token: int = 0

    @classmethod
    def of(cls, account: Credentials) -> "User":
        """Return the user of a stored account."""
        user = account.user
        return cls(user.id, user.email or "", Account(user.role, name=user.name or ""), account.headers)


@dataclass
class Run:
    """Workers, those who use them, and all that was observed, by the id of what it was about.

    Args:
        name: what the ids of its requests begin with.
        workers: any of them is sent a request.
        root: an administrator whose account nobody changes.
        users: everybody, by id.
        chance: makes all random choices.
        current: the interviews that are being used.
        initial: each interview as it was created.
        etags: of interviews as `root` sees them, by id and revision.
        observed: requests and their answers.
        sent: the number of requests.
        slowest: the longest time that one of them took, in seconds, and which it was.
    """

    name: str
    workers: Sequence[httpx.AsyncClient]
    root: User
    users: dict[str, User]
    chance: random.Random
    current: list[str] = field(default_factory=list)
    initial: dict[str, Interview] = field(default_factory=dict)
    etags: dict[tuple[str, int | None], str] = field(default_factory=dict)
    observed: dict[str, list[Observed]] = field(default_factory=lambda: defaultdict(list))
    sent: int = 0
    slowest: tuple[float, str] = (0, "none")

    async def send(self, method: str, path: str, headers: Mapping[str, str], *, json: object = None) -> Sent:
        """Send a request to any of the workers."""
        self.sent += 1
        named = {**headers, "X-Request-ID": f"{self.name}-{self.sent}"}
        worker, start = self.chance.choice(self.workers), time.perf_counter()
        answer = await worker.request(method, f"/v1{path}", headers=named, json=json)
        end = time.perf_counter()
        self.slowest = max(self.slowest, (end - start, f"{method} {path} {answer.status_code}"))
        return answer, start, end

    def note(
        self, subject: str, request: Request | AccountRequest, answer: Answer, sent: Sent, *, token: int = 0
    ) -> None:
        """Note what was observed of a subject."""
        response, start, end = sent
        request_id = response.headers["X-Request-ID"]
        self.observed[subject].append(Observed(request_id, request, answer, start, end, token))

    async def create(self, title: str, people: Sequence[str], *, notes: str = "N") -> str:
        """Create an interview in which those of these people take part whose accounts are active.

        It is sent again where the answer is 503: what that may have created is used by nobody.
        """
        body = {"title": title, "interview_type": "technical", "scheduled_at": _FIRST, "notes": notes}
        named = {**body, "participants": [{"user_id": one} for one in people]}
        answer, *_ = await self.send("POST", "/interviews", self.root.headers, json=named)
        if answer.status_code == UNAVAILABLE:
            return await self.create(title, people, notes=notes)
        if answer.is_error and answer.json()["code"] == "inactive_user":
            inactive = {int(error["pointer"].split("/")[-1]) for error in answer.json()["errors"]}
            rest = [one for number, one in enumerate(people) if number not in inactive]
            return await self.create(title, rest, notes=notes)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        interview_id, rev = str(answer.json()["id"]), answer.json()["rev"]
        self.etags[interview_id, rev] = answer.headers["ETag"]
        page, *_ = await self.send("GET", f"/interviews/{interview_id}/participants", self.root.headers)
        taking_part = tuple((one["user_id"], one["participant_role"]) for one in page.json()["items"])
        self.initial[interview_id] = Interview(title, _FIRST, people=taking_part)
        self.current.append(interview_id)
        return interview_id
