"""The rules of widgets."""

from parley_core import Actor, Clock, Event, new_id, parse_id
from parley_widgets.errors import WidgetNotFound
from parley_widgets.events import WIDGET_CREATED
from parley_widgets.models import Widget
from parley_widgets.repository import WidgetRepository


class WidgetService:
    """Creates and reads widgets."""

    def __init__(self, widgets: WidgetRepository, clock: Clock) -> None:
        self._widgets = widgets
        self._clock = clock

    async def create(self, title: str, actor: Actor) -> Widget:
        """Create a widget.

        Raises:
            DuplicateWidget: another widget has this title.
        """
        widget = Widget(id=new_id(), title=title, created_at=self._clock())
        changes = {"title": (None, title)}
        event = Event(type=WIDGET_CREATED, at=widget.created_at, actor=actor, changes=changes)
        await self._widgets.add(widget, event)
        return widget

    async def get(self, widget_id: str) -> Widget:
        """Return one widget.

        Raises:
            InvalidId: the id isn't one.
            WidgetNotFound: no widget has it.
        """
        widget = await self._widgets.get(parse_id(widget_id))
        if widget is None:
            raise WidgetNotFound
        return widget

    async def page(self, *, limit: int, offset: int) -> tuple[list[Widget], int]:
        """Return a page of the widgets, oldest first, and the number of all of them."""
        return await self._widgets.page(limit=limit, offset=offset)
