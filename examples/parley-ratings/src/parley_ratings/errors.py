"""What the rules of ratings refuse."""

from parley_core.errors import BusinessRuleError


class InterviewNotCompleted(BusinessRuleError):
    code = "interview_not_completed"
    title = "Only completed interviews can be rated"


class DuplicateRating(BusinessRuleError):
    code = "duplicate_rating"
    title = "You have already rated this interview"
