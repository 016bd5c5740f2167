"""The services of events: each is made once, out of named collaborators."""

from parley_core import EventLog, Parley
from parley_events.feed import EventFeed, EventTypes
from parley_events.log.service import EventPages
from parley_events.stream.reader import NewEventReader
from parley_events.stream.service import EventStreams


def services_of(parley: Parley) -> list[object]:
    """Return the services of one running application."""
    log, types = parley.require(EventLog), EventTypes(parley.events.types)
    feed = EventFeed(log)
    streams = EventStreams(log=log, reader=NewEventReader(feed), types=types)
    return [feed, types, EventPages(log=log, feed=feed, types=types), streams]
