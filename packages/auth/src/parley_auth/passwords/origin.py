"""Where a request comes from, as far as logins are concerned."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from parley_auth.passwords.throttle import network_of
from parley_core import request_id_of

_LONGEST_AGENT = 200


@dataclass(frozen=True)
class Origin:
    """The origin of a request.

    Args:
        network: the address that it comes from; of IPv6 the /64. Behind a proxy it is what uvicorn took from it.
        user_agent: what the client calls itself, cut to 200 characters.
        request_id: the request.
    """

    network: str
    user_agent: str
    request_id: str


async def _origin(request: Request) -> Origin:
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")[:_LONGEST_AGENT]
    return Origin(network_of(address), agent, request_id_of(request.scope))


OriginDep = Annotated[Origin, Depends(_origin)]
