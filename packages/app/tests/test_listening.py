import socket

import pytest

from parley_app.listening import listen, peer_of, url_of
from parley_app.testing import has_ipv6
from parley_core import StartupError


class TestListen:
    def test_an_early_client_waits(self) -> None:
        with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=1):
            pass

    def test_a_port_in_use_is_named_with_what_to_do(self) -> None:
        with listen("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(StartupError, match=f"^port {port} on 127.0.0.1 is in use: .*--port"):
                listen("127.0.0.1", port)

    def test_a_port_is_free_again_at_once(self) -> None:
        with listen("127.0.0.1", 0) as first:
            address = first.getsockname()
            with socket.create_connection(address) as client:
                served, _ = first.accept()
                # The side that closes first is the one whose address lingers.
                served.close()
                client.recv(1)
        listen(*address).close()

    @pytest.mark.parametrize(
        "host", ["no.such.host.invalid", "192.0.2.1", "a..b"], ids=["unknown", "foreign", "malformed"]
    )
    def test_a_foreign_host_is_named_with_what_to_do(self, host: str) -> None:
        with pytest.raises(StartupError, match=f"^can't listen on host '{host}' .*choose an address of this machine"):
            listen(host, 0)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
class TestBothFamilies:
    @pytest.mark.parametrize("host", ["::", "::0", "0:0:0:0:0:0:0:0"])
    def test_every_address_of_both(self, host: str) -> None:
        with listen(host, 0) as listener:
            for client in ("::1", "127.0.0.1"):
                socket.create_connection((client, listener.getsockname()[1]), timeout=1).close()

    def test_one_address_is_of_one(self) -> None:
        with listen("::1", 0) as listener, pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=1)


class TestPeer:
    @pytest.mark.parametrize(
        ("address", "shown"),
        [
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1%eth0"),
        ],
        ids=["mapped", "ipv4", "ipv6", "scoped"],
    )
    def test_a_mapped_address_is_one_of_ipv4(self, address: str, shown: str) -> None:
        assert peer_of((address, 1234)) == (shown, 1234)

    def test_a_socket_of_the_machine_has_none(self) -> None:
        assert peer_of(None) is None


class TestUrl:
    @pytest.mark.parametrize(
        ("host", "shown"),
        [
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
            ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing is bound to it here
            ("::1", "[::1]"),
            ("::", "[::1]"),
            ("::0", "[::1]"),
        ],
        ids=["address", "name", "all", "ipv6", "all-ipv6", "all-ipv6-otherwise"],
    )
    def test_it_can_be_opened_on_this_machine(self, host: str, shown: str) -> None:
        with listen("127.0.0.1", 0) as listener:
            assert url_of(listener, host) == f"http://{shown}:{listener.getsockname()[1]}"
