"""What the endpoints of webhooks are given."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard
from parley_core import provided
from parley_webhooks.policy import CREATE, DELETE, READ, UPDATE
from parley_webhooks.subscriptions.service import WebhookService

WebhookServiceDep = Annotated[WebhookService, Depends(provided(WebhookService))]

WebhookCreation = Annotated[Access, Depends(Guard(CREATE))]
WebhookRead = Annotated[Access, Depends(Guard(READ))]
WebhookUpdating = Annotated[Access, Depends(Guard(UPDATE))]
WebhookDeletion = Annotated[Access, Depends(Guard(DELETE))]
