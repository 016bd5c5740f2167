"""What can happen to a widget."""

from parley_core import EventType

WIDGET_CREATED = EventType("widget.created", "A widget was created.")

EVENTS = [WIDGET_CREATED]
