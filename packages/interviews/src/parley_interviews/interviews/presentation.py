"""How an interview looks to one viewer."""

from collections.abc import Sequence

from parley_auth import Access, PolicyTable, Role
from parley_interviews.interviews import schemas
from parley_interviews.models import Interview, Status
from parley_interviews.policy import allowed_transitions


class InterviewPresenter:
    """Shows interviews with what their viewer may do; asks the policy once for each kind of viewer and status."""

    def __init__(self) -> None:
        self._known: dict[tuple[PolicyTable, Role, Status, bool], Sequence[Status]] = {}

    def transitions(self, access: Access, status: Status, *, member: bool) -> Sequence[Status]:
        """Return the statuses that the viewer, who takes part or not, may bring an interview to now."""
        key = access.policy, access.principal.role, status, member
        if (known := self._known.get(key)) is None:
            known = self._known[key] = tuple(allowed_transitions(*key[:3], member=member))
        return known

    def present(self, interview: Interview, access: Access, *, member: bool) -> schemas.Interview:
        """Return the interview with the transitions that its viewer, who takes part or not, may make."""
        return schemas.Interview(
            **vars(interview), allowed_transitions=list(self.transitions(access, interview.status, member=member))
        )
