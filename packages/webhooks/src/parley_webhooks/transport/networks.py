"""Which IP addresses are public, whatever IPv4 address is written inside an IPv6 one."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that IANA assigns to the internet (RFC 4291, 2.4)."""

# What `is_global` of some Python version takes for public. The rest of IANA's special-purpose registries it knows.
_IPV4_EXCEPTIONS = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890)
    IPv4Network("192.88.99.0/24"),  # the abandoned 6to4 relays (RFC 7526)
)
_IPV6_EXCEPTIONS = (
    IPv6Network("2001::/23"),  # protocol assignments (RFC 2928)
    IPv6Network("2001:db8::/32"),  # documentation (RFC 3849)
    IPv6Network("2002::/16"),  # 6to4 (RFC 3056)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
# Their last 32 bits are an IPv4 address.
_IPV4_AT_THE_END = (
    IPv6Network("::/96"),  # IPv4-compatible (RFC 4291, 2.5.5.1)
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
)


def is_public(address: IPAddress) -> bool:
    """Return whether anybody on the internet could have this address; false for all that stands for an IPv4 one."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not address.is_reserved and not any(address in network for network in _IPV4_EXCEPTIONS)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _IPV6_EXCEPTIONS)


def embedded_in(address: IPAddress) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that packets to this address would be carried to.

    They stand in IPv4-mapped and IPv4-compatible addresses, 6to4, NAT64 with its well-known prefix, and Teredo
    (server and client). NAT64's local prefix 64:ff9b:1::/48 (RFC 8215) has none that could be read without knowing
    the network's own prefix length.
    """
    if isinstance(address, IPv4Address):
        return ()
    if any(address in network for network in _IPV4_AT_THE_END):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return address.teredo or tuple(filter(None, (address.ipv4_mapped, address.sixtofour)))
