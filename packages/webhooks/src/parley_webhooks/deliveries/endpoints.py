"""The routes of deliveries that an administrator asks for."""

from typing import Annotated

from fastapi import Path

from parley_core import Router, raises
from parley_core.errors import InvalidId
from parley_webhooks.attempts import schemas
from parley_webhooks.deliveries.dependencies import DeliveryServiceDep, WebhookSending
from parley_webhooks.errors import EventNotFound, WebhookNotFound, WebhooksNotConfigured
from parley_webhooks.models import Attempt

router = Router(prefix="/webhooks/{webhook_id}", tag="webhooks")

Position = Annotated[int, Path(ge=1, le=2**63 - 1, description="The event's position in the log.")]


@router.post("/ping", summary="Send a test event", response_model=schemas.Attempt)
@raises(InvalidId, WebhookNotFound, WebhooksNotConfigured)
async def ping_webhook(_access: WebhookSending, webhook_id: str, deliveries: DeliveryServiceDep) -> Attempt:
    """Deliver an event of the type `webhook.ping` now, and return what came back."""
    return await deliveries.ping(webhook_id)


@router.post("/attempts/{position}/resend", summary="Send an event again", response_model=schemas.Attempt)
@raises(InvalidId, WebhookNotFound, EventNotFound, WebhooksNotConfigured)
async def resend_event(
    _access: WebhookSending, webhook_id: str, position: Position, deliveries: DeliveryServiceDep
) -> Attempt:
    """Deliver the event at a position of the log now, with the same `webhook-id`, and return what came back."""
    return await deliveries.resend(webhook_id, position)
