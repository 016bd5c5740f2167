"""The routes of webhooks."""

from typing import Annotated

from fastapi import Query, Request, Response, status

from parley_core import Page, PagerDep, Router, raises
from parley_core.errors import InvalidCursor, InvalidId
from parley_core.http.pagination import CursorQuery
from parley_core.http.requests import outer_path_of
from parley_core.http.sent_headers import LOCATION, sends
from parley_events import UnknownEventType
from parley_webhooks.errors import TooManyWebhooks, WebhookNotFound, WebhooksNotConfigured, WebhookUrlRefused
from parley_webhooks.subscriptions import schemas
from parley_webhooks.subscriptions.dependencies import (
    WebhookCreation,
    WebhookDeletion,
    WebhookRead,
    WebhookServiceDep,
    WebhookUpdating,
)

router = Router(
    prefix="/webhooks",
    tag="webhooks",
    description="Deliveries of the log to addresses of yours, signed as Standard Webhooks says.",
)


@router.post("", summary="Create a webhook", status_code=status.HTTP_201_CREATED)
@raises(WebhooksNotConfigured, UnknownEventType, WebhookUrlRefused, TooManyWebhooks)
@sends(LOCATION)
async def create_webhook(
    access: WebhookCreation,
    body: schemas.WebhookCreate,
    webhooks: WebhookServiceDep,
    request: Request,
    response: Response,
) -> schemas.WebhookWithSecret:
    """Have every change, or those of some types, delivered to an address of yours. The secret is shown this once."""
    created = await webhooks.create(body, access.actor)
    response.headers["Location"] = f"{outer_path_of(request.scope)}/{created.id}"
    return created


@router.get("", summary="List webhooks")
@raises(InvalidCursor)
async def list_webhooks(
    _access: WebhookRead, query: Annotated[CursorQuery, Query()], webhooks: WebhookServiceDep, pager: PagerDep
) -> Page[schemas.Webhook]:
    """List the webhooks, oldest first."""
    return pager.listing(await webhooks.page(query), query=query)


@router.get("/{webhook_id}", summary="Read a webhook")
@raises(InvalidId, WebhookNotFound)
async def read_webhook(_access: WebhookRead, webhook_id: str, webhooks: WebhookServiceDep) -> schemas.Webhook:
    """Return a webhook with how far it has come."""
    return await webhooks.get(webhook_id)


@router.patch("/{webhook_id}", summary="Change a webhook")
@raises(InvalidId, WebhookNotFound, UnknownEventType, WebhookUrlRefused)
async def update_webhook(
    access: WebhookUpdating, webhook_id: str, body: schemas.WebhookUpdate, webhooks: WebhookServiceDep
) -> schemas.Webhook:
    """Change the address or the types of what is still to be delivered, pause the webhook, or resume it."""
    return await webhooks.update(webhook_id, body, access.actor)


@router.delete("/{webhook_id}", summary="Delete a webhook", status_code=status.HTTP_204_NO_CONTENT)
@raises(InvalidId, WebhookNotFound)
async def delete_webhook(access: WebhookDeletion, webhook_id: str, webhooks: WebhookServiceDep) -> None:
    """Delete a webhook for good, its secrets included."""
    await webhooks.delete(webhook_id, access.actor)


@router.post("/{webhook_id}/secret", summary="Rotate the secret of a webhook")
@raises(InvalidId, WebhookNotFound, WebhooksNotConfigured)
async def rotate_webhook_secret(
    access: WebhookUpdating, webhook_id: str, webhooks: WebhookServiceDep
) -> schemas.WebhookWithSecret:
    """Return a new secret. For 24 hours deliveries are signed with both, the new one and the one before."""
    return await webhooks.rotate(webhook_id, access.actor)


@router.post("/{webhook_id}/resume", summary="Resume a webhook")
@raises(InvalidId, WebhookNotFound)
async def resume_webhook(access: WebhookUpdating, webhook_id: str, webhooks: WebhookServiceDep) -> schemas.Webhook:
    """Activate a webhook again where it stopped: nothing that happened meanwhile is left out."""
    return await webhooks.resume(webhook_id, access.actor)
