"""The model beside the product, one request after the other: each answer is known before it comes."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from model import accounts, interviews, sending
from model.accounts import AccountRequest
from model.interviews import Request
from model.linearizability import Operation
from model.people import Observed, Run
from model.reading import PLACES, Reader, expected, visible
from model.secrets import Secrets
from model.states import Account, Interview

S = TypeVar("S", bound=Hashable)


@dataclass
class Sequence:
    """A run in which each request waits for the one before it.

    Args:
        run: who sends, and what was observed.
        accounts: the state of each account.
        interviews: the state of each interview.
        secrets: the words that were written.
    """

    run: Run
    accounts: dict[str, Account] = field(default_factory=dict)
    interviews: dict[str, Interview] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)

    def __post_init__(self) -> None:
        self.accounts = {user.id: user.initial for user in self.run.users.values()}
        self.secrets.emails = {user.email: user.id for user in self.run.users.values()}

    async def create(self, number: int, people: list[str]) -> str:
        """Create an interview, of which title and notes are words of their own."""
        title = f"secret title {number} of {self.run.name}."
        notes = f"secret notes {number} of {self.run.name}."
        interview_id = await self.run.create(title, people, notes=notes)
        self.interviews[interview_id] = self.run.initial[interview_id]
        self.secrets.titles[title] = self.secrets.notes[notes] = interview_id
        return interview_id

    async def post(self, interview_id: str, content: str) -> None:
        """Have a participant post a message."""
        sender = self.interviews[interview_id].people[0][0]
        await self.to_interview(interview_id, Request("post", sender, content))

    async def to_interview(self, interview_id: str, request: Request) -> httpx.Response:
        """Send a request to an interview; raise `AssertionError` where the answer is another one than the model's."""
        response = await sending.to_interview(self.run, interview_id, request)
        self.interviews[interview_id] = self._after(interview_id, self.interviews[interview_id])
        if request.kind == "post":
            self.secrets.messages[request.value] = interview_id
        if request.kind == "entitle":
            self.secrets.titles[request.value] = interview_id
        self._check_words(response, request.caller)
        return response

    async def to_account(self, user_id: str, request: AccountRequest) -> httpx.Response:
        """Send a request to an account; raise `AssertionError` where the answer is another one than the model's."""
        response = await sending.to_account(self.run, self.run.users[user_id], request)
        self.accounts[user_id] = self._after(user_id, self.accounts[user_id])
        return response

    async def read(self, place: str, reader_id: str, user_id: str, interview_id: str) -> httpx.Response:
        """Read one place as somebody, or as nobody; raise `AssertionError` where they get what isn't theirs."""
        path = place.format(user_id=user_id, interview_id=interview_id)
        user = self.run.users.get(reader_id)
        response, *_ = await self.run.send("GET", path, user.headers if user else {})
        reader = Reader(reader_id, self._valid(reader_id))
        answer = sending.answer_of(response, sending.none)
        wanted = expected(place, reader, user_id, self.interviews[interview_id])
        assert answer == wanted, f"{path} as {reader}: {answer} instead of {wanted}"
        if place == "/interviews" and response.is_success:
            seen = {one["id"] for one in response.json()["items"]} & self.interviews.keys()
            assert seen == visible(reader, self.interviews), f"{path} as {reader}"
        self._check_words(response, reader_id)
        return response

    async def read_anything(self) -> httpx.Response:
        """Read a random place as a random person, or as nobody."""
        chance, people = self.run.chance, list(self.run.users)
        reader, other = chance.choice([*people, ""]), chance.choice(people)
        return await self.read(chance.choice(PLACES), reader, other, chance.choice(list(self.interviews)))

    def _valid(self, user_id: str) -> Account | None:
        user, account = self.run.users.get(user_id), self.accounts.get(user_id)
        if user is None or account is None:
            return None
        is_valid = account.active and user.token == account.ended
        return Account(account.role, active=is_valid, name=account.name)

    def _check_words(self, response: httpx.Response, viewer_id: str) -> None:
        viewer = self._valid(viewer_id)
        leaks = list(self.secrets.leaks(response.text, viewer_id, viewer, self.interviews))
        assert not leaks, f"{response.request.method} {response.request.url} as {viewer} has {leaks}"

    def _after(self, subject: str, state: S) -> S:
        """Return the state after what was observed last, which has to fit."""
        observed = self.run.observed[subject][-1]
        for rev in (None, getattr(state, "rev") + 1):  # noqa: B009 - each state has one
            operation: Operation[S] = self._operation(observed, rev)
            fitting = (operation.effect(state, look) for look in operation.looks(state))
            if after := next((one for one in fitting if one is not None), None):
                return after
        raise AssertionError(f"{observed} doesn't fit {state}")

    def _operation(self, one: Observed, rev: int | None) -> Operation[S]:
        if isinstance(one.request, AccountRequest):
            return accounts.operation(one.request, one.answer, start=0, end=1, rev=rev)  # type: ignore[return-value]
        caller = self._valid(one.request.caller)
        return interviews.operation(  # type: ignore[return-value]
            one.request,
            one.answer,
            start=0,
            end=1,
            callers=[caller if caller and caller.active else None],
            targets=[self.accounts[one.request.target]] if one.request.kind == "add" else (),
            rev=rev,
        )
