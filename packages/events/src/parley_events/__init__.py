"""The log of all changes as others follow it: page by page, or as a stream."""

from parley_events.errors import UnknownEventType
from parley_events.feed import EventFeed, EventTypes
from parley_events.schemas import LogEvent

__all__ = ["EventFeed", "EventTypes", "LogEvent", "UnknownEventType"]
