"""What the endpoints of every log are given; their guards are each log's own."""

from typing import Annotated

from fastapi import Depends

from parley_core import provided
from parley_messaging.log.service import MessageService

MessageServiceDep = Annotated[MessageService, Depends(provided(MessageService))]
