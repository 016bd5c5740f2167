"""What the rules of interviews refuse."""

from parley_core.errors import BusinessRuleError, NotFoundError


class InterviewNotFound(NotFoundError):
    code = "interview_not_found"
    title = "There is no such interview"


class ParticipantNotFound(NotFoundError):
    code = "participant_not_found"
    title = "This user does not take part in the interview"


class InterviewClosed(BusinessRuleError):
    code = "interview_closed"
    title = "The interview is completed or cancelled; it can't be changed any more"


class InvalidTransition(BusinessRuleError):
    code = "invalid_transition"
    title = "The interview can't go from its status to that one"


class DuplicateParticipant(BusinessRuleError):
    code = "duplicate_participant"
    title = "This user takes part in the interview already"


class TooManyParticipants(BusinessRuleError):
    code = "too_many_participants"
    title = "An interview has at most 100 participants"


class InactiveUser(BusinessRuleError):
    code = "inactive_user"
    title = "This user's account is not active"


class InvalidParticipantRole(BusinessRuleError):
    code = "invalid_participant_role"
    title = "Candidates take part as candidate, interviewers and administrators as interviewer"
