"""The product beside its model, one request after the other, as hypothesis chooses them."""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from model.accounts import AccountRequest
from model.interviews import ACTIONS, Request
from model.reading import PLACES
from model.sequence import Sequence
from model.workers import Workers

T = TypeVar("T")
ROLES = ("admin", "interviewer", "candidate", "candidate")
_SOMEBODY = st.integers(0, len(ROLES))
_OTHERS = st.integers(1, len(ROLES))
_CHANGES = [("role", "admin"), ("role", "interviewer"), ("role", "candidate"), ("name", "N"), ("active", False)]


class Machine(RuleBasedStateMachine):
    """Each request is compared with the model's answer; `workers` and `loop` are set for the test."""

    workers: Workers
    loop: asyncio.AbstractEventLoop
    numbers = itertools.count(1)

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop of the workers."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    @initialize()
    def begin(self) -> None:
        run = self.do(self.workers.a_run(f"machine-{next(self.numbers)}", roles=ROLES))
        self.people, self.model = list(run.users), Sequence(run)
        self.interview = self.do(self.model.create(1, self.people[2:4]))

    @rule(
        kind=st.sampled_from([*ACTIONS]),
        caller=_SOMEBODY,
        other=_SOMEBODY,
        relation=st.sampled_from(["", "interviewer", "candidate"]),
        status=st.sampled_from(["ongoing", "completed", "cancelled", "scheduled"]),
        answer=st.sampled_from(["accepted", "declined", "tentative"]),
        number=st.integers(1, 3),
    )
    def send(self, kind: str, caller: int, other: int, number: int, **words: str) -> None:
        values = {
            "entitle": f"secret title {number} of {self.model.run.name}.",
            "move": f"2027-03-0{number}T09:30:00Z",
            "transition": words["status"],
            "add": words["relation"],
            "post": f"secret message {number} of {self.model.run.name}.",
            "answer": words["answer"],
        }
        version = self.model.interviews[self.interview].version if kind == "answer" and number > 1 else None
        request = Request(kind, self.people[caller], values.get(kind, ""), self.people[other], version)
        if kind == "answer" and number == 1:
            request = Request(kind, self.people[caller], words["answer"], "", 7)
        self.do(self.model.to_interview(self.interview, request))

    @rule(other=_OTHERS, change=st.sampled_from(_CHANGES))
    def change(self, other: int, change: tuple[str, object]) -> None:
        self.do(self.model.to_account(self.people[other], AccountRequest("change", (change,))))

    @rule(other=_OTHERS)
    def come_back(self, other: int) -> None:
        user = self.model.run.users[self.people[other]]
        self.do(self.model.to_account(user.id, AccountRequest("change", (("active", True),))))
        user.headers = self.do(self.workers.log_in(user))
        user.token = self.model.accounts[user.id].ended

    @rule(other=_OTHERS)
    def end_sessions(self, other: int) -> None:
        self.do(self.model.to_account(self.people[other], AccountRequest("end_sessions")))

    @rule(other=_OTHERS, kind=st.sampled_from(["me", "fetch", "count"]))
    def look(self, other: int, kind: str) -> None:
        user = self.model.run.users[self.people[other]]
        ended = user.token if kind == "me" else 0
        self.do(self.model.to_account(user.id, AccountRequest(kind, ended=ended)))

    @rule(place=st.sampled_from(PLACES), reader=st.integers(0, len(ROLES) + 1), other=_SOMEBODY)
    def read(self, place: str, reader: int, other: int) -> None:
        reader_id = [*self.people, ""][reader]
        self.do(self.model.read(place, reader_id, self.people[other], self.interview))
