"""How an interview looks to one viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parley_auth import OUTSIDER, Access, PolicyTable
from parley_interviews.interviews import schemas
from parley_interviews.models import Interview, Status
from parley_interviews.policy import READ_INTERNAL, allowed_transitions

_Viewing = tuple[PolicyTable, str, frozenset[str] | None, str, Status]


@dataclass(frozen=True)
class View:
    """What differs between the viewers of one version of an interview.

    Args:
        relation: the viewer's relation to the interview.
        shows_internal: whether they see the notes.
        transitions: the statuses to which they may bring it now.
    """

    relation: str
    shows_internal: bool
    transitions: Sequence[Status]

    def etag(self, rev: int) -> str:
        """Return the entity tag of this revision in this view: another one shows something else."""
        seen = (self.relation, *(["internal"] if self.shows_internal else []), *self.transitions)
        return f'"{rev}-{".".join(seen)}"'


@dataclass(frozen=True)
class Shown:
    """An interview as its viewer sees it, the entity tag of that, and how many overlaps a write of it has made."""

    interview: schemas.Interview
    etag: str
    conflicts: int = 0


class InterviewPresenter:
    """Shows interviews with what their viewer may do; asks the policy once for each kind of viewer and status."""

    def __init__(self) -> None:
        self._known: dict[_Viewing, View] = {}

    def view(self, access: Access, relation: str, status: Status) -> View:
        """Return the view of somebody who has this relation to an interview in this status."""
        key = access.policy, access.principal.role, access.principal.actions, relation, status
        if (known := self._known.get(key)) is None:
            shows_internal = access.permits_as(relation, READ_INTERNAL, state=status)
            known = View(relation, shows_internal, tuple(allowed_transitions(access, relation, status)))
            self._known[key] = known
        return known

    def present(self, interview: Interview, access: Access, relation: str) -> Shown:
        """Return the interview as somebody sees it who has this relation to it."""
        view = self.view(access, relation, interview.status)
        shown = schemas.Interview(**_seen(vars(interview), view, relation))
        return Shown(shown, view.etag(interview.rev))

    def listed(self, interview: Mapping[str, Any], access: Access, relation: str) -> dict[str, Any]:
        """Return the fields of `schemas.Interview` for a list, whose answer is validated as a whole."""
        return _seen(interview, self.view(access, relation, interview["status"]), relation)


def _seen(interview: Mapping[str, Any], view: View, relation: str) -> dict[str, Any]:
    return {
        **interview,
        **({} if view.shows_internal else {"notes": None}),
        "my_role": None if relation == OUTSIDER else relation,
        "allowed_transitions": view.transitions,
    }
