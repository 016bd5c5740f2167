"""How an interview looks to one viewer."""

from parley_auth import Access
from parley_interviews import schemas
from parley_interviews.models import Interview
from parley_interviews.policy import allowed_transitions


def present(interview: Interview, access: Access, *, member: bool) -> schemas.Interview:
    """The interview with the transitions that its viewer, who takes part in it or not, may make."""
    transitions = allowed_transitions(access.policy, access.principal.role, interview.status, member=member)
    fields = {name: getattr(interview, name) for name in Interview.__dataclass_fields__}
    return schemas.Interview(**fields, allowed_transitions=transitions)


def etag_of(interview: schemas.Interview) -> str:
    """The entity tag of an interview as its viewer sees it: its revision and what he may do with it."""
    return f'"{interview.rev}-{".".join(interview.allowed_transitions)}"'
