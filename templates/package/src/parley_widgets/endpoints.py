"""The routes of widgets."""

from typing import Annotated

from fastapi import Query, Request, Response, status

from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.errors import InvalidId
from parley_widgets import schemas
from parley_widgets.dependencies import WidgetCreation, WidgetRead, WidgetServiceDep
from parley_widgets.errors import DuplicateWidget, WidgetNotFound
from parley_widgets.models import Widget

router = Router(prefix="/widgets", tag="widgets")


@router.post("", summary="Create a widget", status_code=status.HTTP_201_CREATED, response_model=schemas.Widget)
@raises(DuplicateWidget)
async def create_widget(
    access: WidgetCreation,
    body: schemas.WidgetCreate,
    widgets: WidgetServiceDep,
    request: Request,
    response: Response,
) -> Widget:
    """Create a widget. Its title must not be in use."""
    widget = await widgets.create(body.title, access.actor)
    response.headers["Location"] = f"{request.url.path}/{widget.id}"
    return widget


@router.get("", summary="List widgets", response_model=Page[schemas.Widget])
async def list_widgets(
    _access: WidgetRead, query: Annotated[PageQuery, Query()], widgets: WidgetServiceDep, pager: PagerDep
) -> Page[Widget]:
    """Return a page of the widgets, oldest first."""
    items, total = await widgets.page(limit=query.limit, offset=query.offset)
    return pager.page(items, total=total, query=query)


@router.get("/{widget_id}", summary="Read a widget", response_model=schemas.Widget)
@raises(InvalidId, WidgetNotFound)
async def read_widget(_access: WidgetRead, widget_id: str, widgets: WidgetServiceDep) -> Widget:
    """Return one widget."""
    return await widgets.get(widget_id)
