"""The states of the model, and who may do what in them: written by hand, without the product's policy."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

OUTSIDER, INTERVIEWER, CANDIDATE, ADMIN = "outsider", "interviewer", "candidate", "admin"
OPEN = ("scheduled", "ongoing")
STEPS = {"scheduled": ("ongoing", "cancelled"), "ongoing": ("completed",), "completed": (), "cancelled": ()}


UNAVAILABLE = 503


class Answer(NamedTuple):
    """What a request is answered: the status, the code of an error, and the facts in a body."""

    status: int
    code: str = ""
    facts: tuple[object, ...] = ()

    def fits(self, observed: "Answer") -> bool:
        """Return whether this answer is what was observed; an answer that got lost was a good one."""
        return self == observed or (observed is ANY and not self.code)


ANY = Answer(0)
"""Stands for the answer of a request that was done, and that nobody has received."""


@dataclass(frozen=True)
class Account:
    """An account; `ended` counts what has ended all its sessions, and a token is good while that stays."""

    role: str
    active: bool = True
    name: str = ""
    rev: int = 1
    ended: int = 0

    @property
    def facts(self) -> tuple[object, ...]:
        """What its representation says."""
        return self.role, self.active, self.name


@dataclass(frozen=True)
class Interview:
    """An interview; `people` are ids and relations in the order of adding, `answers` those of the participants."""

    title: str
    scheduled_at: str
    status: str = "scheduled"
    rev: int = 1
    version: int = 0
    people: tuple[tuple[str, str], ...] = ()
    messages: int = 0
    answers: frozenset[tuple[str, str, int]] = field(default=frozenset())

    def relation(self, user_id: str) -> str:
        """As what a user takes part."""
        return dict(self.people).get(user_id, OUTSIDER)

    def changed(self, **changes: object) -> "Interview":
        """Return the interview after one more recorded change."""
        return replace(self, rev=self.rev + 1, **changes)  # type: ignore[arg-type]


def permits(action: str, role: str, relation: str) -> bool:
    """Return whether somebody may do an action: `read`, `talk`, `conduct` or `manage`."""
    manages = role == ADMIN and relation != CANDIDATE
    allowed = {
        "read": manages or relation != OUTSIDER,
        "talk": relation != OUTSIDER,
        "conduct": manages or (role == INTERVIEWER and relation == INTERVIEWER),
        "manage": manages,
    }
    return allowed[action]


def refusal(action: str, role: str, relation: str) -> Answer | None:
    """Return the 403 of whoever may not do an action."""
    if permits(action, role, relation):
        return None
    return Answer(403, "not_a_participant" if relation == OUTSIDER else "permission_denied")


def transitions(state: Interview, role: str, relation: str) -> tuple[str, ...]:
    """Return the statuses to which somebody may bring an interview."""
    return tuple(step for step in STEPS[state.status] if permits(action_of(step), role, relation))


def action_of(status: str) -> str:
    """Return what bringing an interview to a status is."""
    return "manage" if status == "cancelled" else "conduct"
