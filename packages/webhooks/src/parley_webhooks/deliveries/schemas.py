"""What goes over the wire to a receiver; the form that Standard Webhooks recommends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parley_core.http.schemas import Representation
from parley_events import LogEvent


class Payload(Representation):
    """The body of a delivery."""

    type: str
    timestamp: datetime
    data: LogEvent | Mapping[str, Any]
