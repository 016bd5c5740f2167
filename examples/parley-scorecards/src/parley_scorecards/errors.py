"""What the rules of scorecards refuse."""

from parley_core.errors import BusinessRuleError


class InterviewNotCompleted(BusinessRuleError):
    code = "interview_not_completed"
    title = "Scorecards are for completed interviews"


class DuplicateScorecard(BusinessRuleError):
    code = "duplicate_scorecard"
    title = "You have left your scorecard for this interview already"
