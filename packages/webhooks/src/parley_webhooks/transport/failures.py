"""Why a delivery got no answer."""

from typing import Literal

Reason = Literal["dns", "refused", "connection", "tls", "timeout", "protocol", "too_large"]
"""One word for each way to fail.

- `dns`: the host's name has no address.
- `refused`: one of its addresses is not public, so nothing was sent.
- `connection`: no connection, or it broke before the answer.
- `tls`: no encrypted connection to a receiver with a valid certificate of that name.
- `timeout`: no answer within the time for all of it.
- `protocol`: the answer is not HTTP/1.1, or its head is too long.
- `too_large`: the body to be sent is too long, so nothing was sent.
"""


class Unanswered(Exception):
    """A delivery that got no answer."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
