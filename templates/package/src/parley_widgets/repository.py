"""Widgets in MongoDB."""

from pymongo.errors import DuplicateKeyError

from parley_core import Database, Document, Event, insert_recorded
from parley_widgets.errors import DuplicateWidget
from parley_widgets.indexes import WIDGETS
from parley_widgets.models import Widget

_WITHOUT_HISTORY = {"history": False}


class WidgetRepository:
    """Stores and reads widgets."""

    def __init__(self, database: Database) -> None:
        self._widgets = database[WIDGETS]

    async def add(self, widget: Widget, event: Event) -> None:
        """Store a new widget.

        Raises:
            DuplicateWidget: another widget has this title.
        """
        document = {"_id": widget.id, "title": widget.title, "created_at": widget.created_at}
        try:
            await insert_recorded(self._widgets, document, event)
        except DuplicateKeyError as error:
            raise DuplicateWidget from error

    async def get(self, widget_id: str) -> Widget | None:
        """Return the widget with this id, None if there is none."""
        document = await self._widgets.find_one({"_id": widget_id}, _WITHOUT_HISTORY)
        return _widget_of(document) if document else None

    async def page(self, *, limit: int, offset: int) -> tuple[list[Widget], int]:
        """Return a page of the widgets, oldest first, and the number of all of them."""
        found = self._widgets.find({}, _WITHOUT_HISTORY).sort([("created_at", 1), ("_id", 1)])
        documents = await found.skip(offset).limit(limit).to_list()
        return [_widget_of(document) for document in documents], await self._widgets.count_documents({})


def _widget_of(document: Document) -> Widget:
    """Read a stored document. A field that a later release adds gets its default for older documents here."""
    return Widget(id=document["_id"], title=document["title"], created_at=document["created_at"])
