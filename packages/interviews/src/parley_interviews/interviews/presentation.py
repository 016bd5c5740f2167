"""How an interview looks to one viewer."""

from collections.abc import Sequence

from parley_auth import Access, PolicyTable
from parley_interviews.interviews import schemas
from parley_interviews.models import Interview, Status
from parley_interviews.policy import allowed_transitions

_Viewing = tuple[PolicyTable, str, frozenset[str] | None, str, Status]


class InterviewPresenter:
    """Shows interviews with what their viewer may do; asks the policy once for each kind of viewer and status."""

    def __init__(self) -> None:
        self._known: dict[_Viewing, Sequence[Status]] = {}

    def transitions(self, access: Access, relation: str, status: Status) -> Sequence[Status]:
        """Return the statuses that the viewer, who has this relation to an interview, may bring it to now."""
        key = access.policy, access.principal.role, access.principal.actions, relation, status
        if (known := self._known.get(key)) is None:
            known = self._known[key] = tuple(allowed_transitions(access, relation, status))
        return known

    def present(self, interview: Interview, access: Access, relation: str) -> schemas.Interview:
        """Return the interview with the transitions that its viewer, who has this relation to it, may make."""
        return schemas.Interview(
            **vars(interview), allowed_transitions=list(self.transitions(access, relation, interview.status))
        )
