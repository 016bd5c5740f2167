"""The errors of calendars."""

from parley_calendar.policy import MAX_FEEDS
from parley_core.errors import BusinessRuleError, NotFoundError


class FeedNotFound(NotFoundError):
    """There is no such feed. Revoked and unknown ones, and those of inactive accounts, are answered alike."""

    code = "feed_not_found"
    title = "There is no such feed: create a new one if you need it"


class TooManyFeeds(BusinessRuleError):
    code = "too_many_feeds"
    title = f"An account has at most {MAX_FEEDS} feeds: delete one first"
