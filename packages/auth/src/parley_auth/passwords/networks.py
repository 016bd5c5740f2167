"""Networks: which addresses are one place, one customer, or this side of the internet.

An IPv4 address is one place and one customer. An IPv6 subnet is a /64 (RFC 4291, 2.5.4), which stays the same while a
device changes its address in it. A customer has a /64, a /56 or a whole /48, and no end site more (RFC 6177; RIPE-690,
4.2), so what is counted for customers is counted by /48.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

SOCKET = "local"
"""The network of a peer without an address, which has come through a Unix socket."""

UNKNOWN = "unknown"
"""The network of whatever a proxy names that is no address."""

_SUBNET, _SITE = 64, 48
# The last 32 bits are an IPv4 address: RFC 6052, 2.1, and RFC 8215, which is used in the same form.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Loopback, private (RFC 1918, RFC 4193) and link-local. Python's `is_private` also includes public test networks.
_INTERNAL: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)


def network_of(address: str) -> str:
    """Return the place where a user logs in: an IPv4 address, or the /64 of an IPv6 address."""
    return _named(address, _SUBNET)


def site_of(address: str) -> str:
    """Return the largest network that one customer has: an IPv4 address, or the /48 of an IPv6 address."""
    return _named(address, _SITE)


def is_internal(address: str) -> bool:
    """Return whether a peer is on this machine or in a private network, and not in the internet."""
    parsed = _parsed(address)
    return not address if parsed is None else any(parsed in network for network in _INTERNAL)


def _named(address: str, prefix: int) -> str:
    parsed = _parsed(address)
    if parsed is None:
        return UNKNOWN if address else SOCKET
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    # Converted to int, since the zone of a link-local address is not allowed in a network.
    return str(IPv6Network((int(parsed), prefix), strict=False))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Return an address; an IPv4 address also where it is written as IPv6 or was translated (NAT64)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv4Address):
        return parsed
    if any(parsed in network for network in _TRANSLATED):
        return IPv4Address(int(parsed) & 0xFFFF_FFFF)
    return parsed.ipv4_mapped or parsed
