"""The errors that the rules of interviews raise."""

from parley_core.errors import BusinessRuleError, NotFoundError


class InterviewNotFound(NotFoundError):
    code = "interview_not_found"
    title = "There is no such interview"


class ParticipantNotFound(NotFoundError):
    code = "participant_not_found"
    title = "This user does not take part in the interview"


class InterviewClosed(BusinessRuleError):
    code = "interview_closed"
    title = "The interview is completed or cancelled and can no longer be changed"


class ScheduleChanged(BusinessRuleError):
    code = "schedule_changed"
    title = "The interview has another schedule_version: read it again and answer to its present time"


class TooEarly(BusinessRuleError):
    code = "too_early"
    title = "Nobody can have come yet: wait for the interview's time, or start it"


class InvalidTransition(BusinessRuleError):
    code = "invalid_transition"
    title = "This status can't follow the interview's present one; choose one of allowed_transitions"


class DuplicateParticipant(BusinessRuleError):
    code = "duplicate_participant"
    title = "This user already takes part in the interview"


class TooManyParticipants(BusinessRuleError):
    code = "too_many_participants"
    title = "An interview has at most 100 participants; remove one first"


class IdempotencyKeyReused(BusinessRuleError):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to a request with another body; choose another one"


class ScheduleConflict(BusinessRuleError):
    code = "schedule_conflict"
    title = "Somebody is busy at that time: choose another one, or allow it with `on_conflict`"


class DuplicateExternalId(BusinessRuleError):
    code = "duplicate_external_id"
    title = "Another interview has this external_id; find it by GET /v1/interviews?external_id="


class UnverifiedEmail(BusinessRuleError):
    code = "unverified_email"
    title = "Nobody has proved that they own this e-mail: add the account by its id, or have its owner accept a link"


class InvalidParticipantRole(BusinessRuleError):
    code = "invalid_participant_role"
    title = "A candidate's account can take part only as candidate; give it the role interviewer first"
