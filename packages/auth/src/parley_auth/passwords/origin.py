"""The origin of a request: network, client and request id, as logins record them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from parley_auth.passwords.networks import is_internal, network_of, site_of
from parley_core import request_id_of

_LONGEST_AGENT = 200


@dataclass(frozen=True)
class Origin:
    """The origin of a request.

    Args:
        network: the client's address; for IPv6 its /64. Behind a proxy it is the address that uvicorn takes from it.
        site: the largest network that the client's customer can have: the address; for IPv6 its /48.
        is_internal: whether the client is on this machine or in a private network.
        user_agent: the client's `User-Agent`, cut to 200 characters.
        request_id: the request.
    """

    network: str
    site: str
    is_internal: bool
    user_agent: str
    request_id: str


async def _origin(request: Request) -> Origin:
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")[:_LONGEST_AGENT]
    return Origin(network_of(address), site_of(address), is_internal(address), agent, request_id_of(request.scope))


OriginDep = Annotated[Origin, Depends(_origin)]
