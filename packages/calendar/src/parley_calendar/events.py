"""What can happen to somebody's calendar. The events name a feed by its id: its name may be anybody's."""

from parley_core import EventType

FEED_CREATED = EventType("calendar.feed_created", "Somebody created a feed of their own interviews.")
FEED_DELETED = EventType("calendar.feed_deleted", "Somebody deleted a feed, whose address is invalid from then on.")

EVENTS = [FEED_CREATED, FEED_DELETED]
