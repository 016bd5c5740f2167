"""Which addresses are permitted, and what a host's addresses are."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import NetworkTimeout

from parley_core.data.deadline import time_limit
from parley_webhooks.errors import WebhookUrlRefused
from parley_webhooks.testing import Names
from parley_webhooks.transport import addresses as module
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.failures import Unanswered

PUBLIC = Addresses()
NAME = "receiver.test"

# IANA's special-purpose registries, multicast and reserved space (RFC 1112), independent of the code's own list.
NOT_PUBLIC_IPV4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
]
NOT_PUBLIC_IPV6 = [
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001:2::/48",
    "2001:3::/32",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "::ffff:0:0:0/96",
    "4000::/3",
    "e000::/4",
]
A_PUBLIC_IPV4 = st.ip_addresses(v=4).filter(lambda ip: not any(ip in ip_network(net) for net in NOT_PUBLIC_IPV4))


def inside(networks: Sequence[str], version: int) -> st.SearchStrategy[str]:
    """Return the addresses in any of these networks."""
    found = [st.ip_addresses(v=version, network=network) for network in networks]  # type: ignore[arg-type]
    return st.one_of(found).map(str)


def carriers_of(address: IPv4Address) -> list[str]:
    """Return the IPv6 addresses whose packets end at an IPv4 address."""
    number, other = int(address), int(IPv4Address("8.8.8.8"))
    teredo = 0x20010000 << 96
    carried = [
        number,
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80 | 1,
        teredo | other << 64 | number ^ 0xFFFFFFFF,
        teredo | number << 64 | other ^ 0xFFFFFFFF,
    ]
    return [str(IPv6Address(one)) for one in carried]


class TestPermits:
    @given(inside(NOT_PUBLIC_IPV4, 4) | inside(NOT_PUBLIC_IPV6, 6))
    def test_special(self, address: str) -> None:
        """An address of a special-purpose network is refused."""
        assert not PUBLIC.permits(address)

    @given(A_PUBLIC_IPV4)
    def test_public(self, address: IPv4Address) -> None:
        """A public IPv4 address is permitted, and so is each IPv6 address that carries it."""
        assert PUBLIC.permits(str(address))
        assert [carrier for carrier in carriers_of(address) if not PUBLIC.permits(carrier)] == []

    @given(st.integers(0, 2**125 - 1))
    def test_public_ipv6(self, number: int) -> None:
        """Of IPv6 what IANA assigns to the internet is permitted, without the special-purpose networks in it."""
        address = IPv6Address(0b001 << 125 | number)
        special = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]
        assert PUBLIC.permits(str(address)) or any(address in ip_network(network) for network in special)

    @given(inside(NOT_PUBLIC_IPV4, 4).map(IPv4Address))
    def test_carried(self, address: IPv4Address) -> None:
        """An IPv4 address that isn't public is refused inside an IPv6 one too, in whichever form it is written."""
        assert [carrier for carrier in carriers_of(address) if PUBLIC.permits(carrier)] == []
        assert not PUBLIC.permits(f"::ffff:{address}")
        assert not PUBLIC.permits(IPv6Address(f"::ffff:{address}").exploded)

    @given(st.ip_addresses())
    def test_zone(self, address: IPv4Address | IPv6Address) -> None:
        """An address with a zone is refused, whatever is allowed."""
        everything = Addresses([ip_network("0.0.0.0/0"), ip_network("::/0")])
        assert everything.permits(str(address))
        assert not everything.permits(f"{address}%eth0")

    @given(st.text())
    def test_no_address(self, text: str) -> None:
        """What is no address is refused, unless it happens to be one."""
        assert not PUBLIC.permits(f"{text} ")
        assert not PUBLIC.permits(f"{text}.example")

    @given(st.ip_addresses(v=4, network="10.1.0.0/16") | st.ip_addresses(v=6, network="fd00::/8"))
    def test_allowed(self, address: IPv4Address | IPv6Address) -> None:
        """An address in an allowed network is permitted, also inside an IPv6 address."""
        allowed = Addresses([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
        carriers = carriers_of(address) if isinstance(address, IPv4Address) else []
        assert all(map(allowed.permits, [str(address), *carriers]))
        assert not PUBLIC.permits(str(address))

    @given(inside(NOT_PUBLIC_IPV4, 4) | inside(NOT_PUBLIC_IPV6, 6))
    def test_others(self, address: str) -> None:
        """An allowed network permits nothing outside of it."""
        allowed = Addresses([ip_network("10.1.2.3/32"), ip_network("fd00::1/128")])
        assert allowed.permits(address) == (address in {"10.1.2.3", "fd00::1"})


class TestOf:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "::1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0",
            "::ffff:10.0.0.1",
            "::ffff:7f00:1",
            "localhost",
        ],
    )
    async def test_every_way_to_write_it(self, host: str) -> None:
        """An address that isn't public is refused in every way in which the system reads it."""
        with pytest.raises(Unanswered, match="refused"):
            await PUBLIC.of(host, 443)

    async def test_all(self, names: Names) -> None:
        """All public addresses of a name are returned in the order of the resolver, each once."""
        names.set(NAME, ["8.8.8.8", "2001:4860:4860::8888", "8.8.8.8"])
        assert await PUBLIC.of(NAME, 443) == ("8.8.8.8", "2001:4860:4860::8888")
        assert names.asked == [NAME]

    @pytest.mark.parametrize("place", [0, 1, 2])
    async def test_one_of_them(self, names: Names, place: int) -> None:
        """One address that isn't public is enough to refuse a name, wherever it stands."""
        found = ["8.8.8.8", "2001:4860:4860::8888"]
        found.insert(place, "10.0.0.1")
        names.set(NAME, found)
        with pytest.raises(Unanswered, match="refused"):
            await PUBLIC.of(NAME, 443)

    @pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "b" * 64, "."])
    async def test_unknown(self, host: str) -> None:
        """A name without an address is a failure of its own."""
        with pytest.raises(Unanswered, match="dns"):
            await PUBLIC.of(host, 443)


class TestCheck:
    async def test_public(self, names: Names) -> None:
        """The url of a public host is accepted, a host that is an address too."""
        names.set(NAME, ["8.8.8.8"])
        await PUBLIC.check(f"https://{NAME}/hook")
        await PUBLIC.check("https://[2001:4860:4860::8888]:8443/")

    @pytest.mark.parametrize(
        ("host", "why"),
        [("127.0.0.1", "public"), ("[::1]:8443", "public"), ("2130706433", "public"), ("no.invalid", "no address")],
    )
    async def test_refused(self, host: str, why: str) -> None:
        """The url of a host that isn't public, or that doesn't exist, is refused and not repeated."""
        with pytest.raises(WebhookUrlRefused, match=why) as caught:
            await PUBLIC.check(f"https://{host}/hook")
        assert host not in caught.value.detail

    async def test_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A resolver that doesn't answer ends in a refusal within the time for it."""
        answered = Event()
        monkeypatch.setattr(module, "_SECONDS_TO_CHECK", 0.1)
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait() and [])
        with pytest.raises(WebhookUrlRefused, match="no address"):
            await PUBLIC.check("https://slow.test/")
        answered.set()

    async def test_no_time_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A request that has less time waits no longer, and doesn't learn that the name has no address."""
        answered = Event()
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait() and [])
        with time_limit(0.1), pytest.raises(NetworkTimeout):
            await PUBLIC.check("https://slow.test/")
        answered.set()
