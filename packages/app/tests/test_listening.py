import socket

import pytest

from parley_app.listening import listen, url_of
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


class TestUrl:
    @pytest.mark.parametrize(
        ("host", "shown"),
        [
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
            ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing is bound to it here
            ("::1", "[::1]"),
            ("::", "[::1]"),
        ],
        ids=["address", "all", "ipv6", "all-ipv6", "name"],
    )
    def test_it_can_be_opened_on_this_machine(self, host: str, shown: str) -> None:
        with listen("127.0.0.1", 0) as listener:
            assert url_of(listener, host) == f"http://{shown}:{listener.getsockname()[1]}"
