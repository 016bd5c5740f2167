"""What the endpoints of deliveries are given; the standard place for it in every room."""

from typing import Annotated

from fastapi import Depends

from parley_auth import Access, Guard
from parley_core import provided
from parley_webhooks.deliveries.service import DeliveryService
from parley_webhooks.policy import SEND

WebhookSending = Annotated[Access, Depends(Guard(SEND))]
DeliveryServiceDep = Annotated[DeliveryService, Depends(provided(DeliveryService))]
