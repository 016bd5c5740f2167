"""The route of attempts."""

from typing import Annotated

from fastapi import Query

from parley_core import Page, PagerDep, Router, raises
from parley_core.errors import InvalidCursor, InvalidId
from parley_webhooks.attempts import schemas
from parley_webhooks.attempts.dependencies import AttemptRead, AttemptServiceDep
from parley_webhooks.errors import WebhookNotFound
from parley_webhooks.models import Attempt

router = Router(prefix="/webhooks/{webhook_id}/attempts", tag="webhooks")


@router.get("", summary="List the attempts of a webhook", response_model=Page[schemas.Attempt])
@raises(InvalidId, InvalidCursor, WebhookNotFound)
async def list_webhook_attempts(
    _access: AttemptRead,
    webhook_id: str,
    query: Annotated[schemas.AttemptQuery, Query()],
    attempts: AttemptServiceDep,
    pager: PagerDep,
) -> Page[Attempt]:
    """List the deliveries of the last 30 days that were tried, newest first; of more than 10,000 the newest ones."""
    return pager.listing(await attempts.page(webhook_id, query), query=query)
