"""How an interview looks to one viewer."""

from parley_auth import PolicyTable, Role

from parley_interviews import schemas
from parley_interviews.models import Interview
from parley_interviews.policy import allowed_transitions


def present(interview: Interview, policy: PolicyTable, role: Role, *, member: bool) -> schemas.Interview:
    """The interview with the transitions that its viewer may make."""
    transitions = allowed_transitions(policy, role, interview.status, member=member)
    fields = {name: getattr(interview, name) for name in Interview.__dataclass_fields__}
    return schemas.Interview(**fields, allowed_transitions=transitions)


def etag_of(interview: schemas.Interview) -> str:
    """The entity tag of an interview as its viewer sees it: its revision and what he may do with it."""
    return f'"{interview.rev}-{".".join(interview.allowed_transitions)}"'
