"""Which addresses are one place, one customer, and this side of the internet."""

import pytest

from parley_auth.passwords.networks import is_internal, network_of, site_of


@pytest.mark.parametrize(
    ("address", "network", "site"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:ff00::1", "2001:db8:1:ff00::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("64:ff9b:1:aaaa::192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("64:ff9b:2::192.0.2.7", "64:ff9b:2::/64", "64:ff9b:2::/48"),
        # 6to4: the /48 of an IPv4 address (RFC 3056).
        ("2002:c000:207:1::1", "2002:c000:207:1::/64", "2002:c000:207::/48"),
        # Teredo: the clients of one server; nobody offers it any more.
        ("2001:0:c000:207::1", "2001:0:c000:207::/64", "2001:0:c000::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("", "local", "local"),
        ("unix:", "unknown", "unknown"),
        ("192.0.2.300", "unknown", "unknown"),
    ],
)
def test_each(address: str, network: str, site: str) -> None:
    """IPv6 counts by /64 and /48; IPv4 by its address also where it is mapped or translated; a Unix socket is local."""
    assert (network_of(address), site_of(address)) == (network, site)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1",
        "127.8.9.10",
        "::1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.0.1",
        "fd12::1",
        "fe80::1%eth0",
        "::ffff:10.1.2.3",
        "64:ff9b::10.1.2.3",
    ],
)
def test_internal(address: str) -> None:
    """Loopback, private, link-local and a Unix socket are internal."""
    assert is_internal(address)


@pytest.mark.parametrize(
    "address",
    ["192.0.2.7", "172.32.0.1", "11.0.0.1", "100.64.0.1", "2001:db8::1", "fec0::1", "::ffff:8.8.8.8", "127.0.0.1 "],
)
def test_not_internal(address: str) -> None:
    """Everything else isn't: shared addresses of providers (RFC 6598), test networks, and what is no address."""
    assert not is_internal(address)
