"""The proxies that are trusted, asked about the peer of a connection and never about what a header says."""

import os
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

_DEFAULT = "127.0.0.1,::1"


class Proxies:
    """Addresses and networks, as uvicorn reads its option `forwarded_allow_ips`.

    Args:
        words: each an address, a network, or `*` for everybody; None for those in FORWARDED_ALLOW_IPS.
    """

    def __init__(self, words: Iterable[str] | None) -> None:
        given = os.environ.get("FORWARDED_ALLOW_IPS", _DEFAULT).split(",") if words is None else words
        stripped = {word.strip() for word in given}
        self._trusts_all = "*" in stripped
        self._networks = [ip_network(word) for word in stripped if _is_network(word)]

    def __contains__(self, peer: str) -> bool:
        return self._trusts_all or any(ip_address(peer) in network for network in self._networks)


def _is_network(word: str) -> bool:
    try:
        ip_network(word)
    except ValueError:
        return False
    return True
